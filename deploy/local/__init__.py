"""The local system: a real Kafka, a real PostgreSQL and the three services as processes of this machine."""
