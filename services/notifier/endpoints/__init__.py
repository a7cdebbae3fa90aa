"""Webhook endpoints: allowed addresses, and signatures of deliveries."""
