"""Kafka access over aiokafka: consumer, producer, log reader, group membership, and two patches of aiokafka."""
