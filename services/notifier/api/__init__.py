"""HTTP API of the notifier: subscriptions and the feed."""
