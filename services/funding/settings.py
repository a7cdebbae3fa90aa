"""What funding is told by its surroundings."""

from samenspel.runtime.settings import ServiceSettings


class Settings(ServiceSettings):
    """Nothing beside what every service is told."""
