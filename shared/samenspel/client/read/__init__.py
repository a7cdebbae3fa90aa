"""Reading events and explanations, and receiving webhooks."""
