"""The operator's API: lanes and quarantine."""
