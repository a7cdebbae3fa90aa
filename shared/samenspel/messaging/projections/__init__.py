"""Projections: the service's copy of other services' aggregates, and its checkpoint per lane."""
