"""Webhook endpoints: which addresses are allowed, and how a delivery is signed."""
