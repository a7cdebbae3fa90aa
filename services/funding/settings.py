"""Settings of funding."""

from samenspel.runtime.settings import ServiceSettings


class Settings(ServiceSettings):
    """Funding has only the common settings."""
