"""Outbox: the journal, its relay to Kafka, and the reconciliation of every lane with Kafka before publishing."""
