"""The rules of the notifier: subscriptions, retry policy and cursors. Pure functions."""
