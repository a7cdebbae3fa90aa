"""The local system: Kafka, PostgreSQL and the three services as processes of this machine, without Docker."""
