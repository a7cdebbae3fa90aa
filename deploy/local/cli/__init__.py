"""The commands for the local system."""
