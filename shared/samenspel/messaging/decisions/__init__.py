"""Decisions: one transaction that locks, loads, asks the decider, and writes state, answers and events."""
