"""Settings of the registry."""

from samenspel.runtime.settings import ServiceSettings


class Settings(ServiceSettings):
    """The registry has only the common settings."""
