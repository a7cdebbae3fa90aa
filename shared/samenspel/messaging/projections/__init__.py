"""Projections of other services' aggregates, with a checkpoint per lane."""
