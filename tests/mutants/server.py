"""The PostgreSQL of ``make mutants``."""

from typing import Final

VARIABLE: Final = "MUTANTS_POSTGRES"
"""The environment variable with a superuser's URL; without this variable, the integration tests start a server."""
