"""A PostgreSQL server as a local process."""
