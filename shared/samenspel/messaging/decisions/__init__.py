"""Decisions: a transaction locks, loads, asks the decider, and writes state, answers and events."""
