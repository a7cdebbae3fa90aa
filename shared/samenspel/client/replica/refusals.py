"""Refusals of a source that does not continue the replica file."""

from typing import Final

from samenspel.client.replica.connection import ReplicaError

REBUILD: Final = "`samenspel replica sync --rebuild` empties this file and starts it again"


class SourceRefused(ReplicaError):
    """The source does not continue this file. The file is unchanged."""

    exit_code: Final = 1
    """The request is refused; the environment is in order."""


class OtherSystem(SourceRefused):
    """The file is of another system than the source."""

    def __init__(self, lane: str) -> None:
        super().__init__(f"this file is of another system: lane {lane} begins there with another event; {REBUILD}")
