"""Deliveries: the queue per subscription, the worker that posts webhooks, and the recorded attempts."""
