"""Programs that a team would build from the documentation of FastStream, for comparison with the registry."""
