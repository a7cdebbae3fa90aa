"""A protection, the way to switch the protection off, and the test for the protection."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """In ``home`` (``module:definition`` or a migration's path), ``was`` occurs once and becomes ``becomes``."""

    name: str
    home: str
    was: str
    becomes: str
    test: str
    """The node id of the test required to turn red."""

    @property
    def module(self) -> str:
        return self.home.partition(":")[0]

    @property
    def definition(self) -> str:
        return self.home.partition(":")[2]

    @property
    def needs_database(self) -> bool:
        return self.test.startswith("tests/integration/")

    def __str__(self) -> str:
        return self.name
