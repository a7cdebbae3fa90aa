"""Deliveries: the queue per subscription, the worker that sends, and the attempts it records."""
