"""CLI commands for the local system."""
