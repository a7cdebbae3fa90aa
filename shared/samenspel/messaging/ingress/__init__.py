"""Ingress: submissions over Kafka and HTTP, and deferred submissions whose condition is met."""
