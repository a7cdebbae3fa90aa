"""A service process: wiring, start and stop, readiness."""
