"""Backups of a service's database, taken and restored as an operator would, and what a restore must bring back."""
