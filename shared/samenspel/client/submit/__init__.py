"""Submitting events over Kafka or HTTP, and collecting their receipts."""
