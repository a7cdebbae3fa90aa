"""Where the tests of ``make mutants`` find their PostgreSQL."""

from typing import Final

VARIABLE: Final = "MUTANTS_POSTGRES"
"""The environment variable with a superuser's URL; without it, the integration tests start a server."""
