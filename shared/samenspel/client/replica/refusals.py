"""Refusals of a source that does not continue the replica file."""

from typing import Final

from samenspel.client.replica.connection import ReplicaError
from samenspel.contracts.lane_identity import is_other_lane, rises_too_far

REBUILD: Final = "`samenspel replica sync --rebuild` empties this file and starts it again"


class NotContinued(ReplicaError):
    """The source does not continue this file. The file is unchanged."""

    exit_code: Final = 1
    """The request is refused; the environment is in order."""


class OtherSystem(NotContinued):
    """The file is of another system than the source."""

    def __init__(self, lane: str) -> None:
        super().__init__(f"this file is of another system: lane {lane} begins there with another event; {REBUILD}")


def require_successor(lane: str, identity: str, timeline: int, next_timeline: int, first: str) -> None:
    """Require that event ``first`` starts the next timeline of a lane. Raises NotContinued.

    A lane with an unknown ``identity`` ("") accepts any timeline.
    """
    if is_other_lane(identity, 1, first):
        raise OtherSystem(lane)
    if identity and rises_too_far(timeline, next_timeline):
        raise NotContinued(
            f"lane {lane} is on timeline {next_timeline} and this file on {timeline}: this file has not seen the "
            f"timelines between; {REBUILD}"
        )
