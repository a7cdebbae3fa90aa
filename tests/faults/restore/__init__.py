"""Backups of a service's database, taken and restored like an operator, and the state to bring back."""
