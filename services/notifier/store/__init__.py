"""SQL of the notifier: subscriptions, endpoints, attempts."""
