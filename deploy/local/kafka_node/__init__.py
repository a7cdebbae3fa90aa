"""A Kafka broker as a local process."""
