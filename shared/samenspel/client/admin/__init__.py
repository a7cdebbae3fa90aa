"""The operator's client: Kafka users, ACLs and quotas, admission, quarantine."""
