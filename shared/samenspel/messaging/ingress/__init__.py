"""Ingress: submissions over Kafka and HTTP, and deferred submissions with a fulfilled condition."""
