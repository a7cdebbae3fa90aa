"""Report of a sync, per lane."""

from collections.abc import Iterable
from dataclasses import dataclass

from samenspel.client.replica.apply import Divergence, ReplicaLane, hex_of
from samenspel.client.replica.foreign import ForeignReport
from samenspel.contracts.digest import MODULUS, to_hex


@dataclass(frozen=True, slots=True)
class LaneReport:
    """Result of one lane.

    ``missing`` is the sequence of the first missing event when the log has a gap, else None. ``set_aside`` is the
    file with the events of the previous timeline when the owner started a new timeline, else empty.
    """

    lane: str
    timeline: int
    sequence: int
    digest: str
    missing: int | None
    divergence: Divergence | None
    set_aside: str = ""
    ahead: bool = False
    """Whether the log ends before the last event of this replica: the owner or Kafka lost events."""
    jump: int | None = None
    """Timeline of the owner, when it is more than one above the replica's. Such events are not applied."""


@dataclass(frozen=True, slots=True)
class SyncReport:
    """``applied`` events in ``seconds``; number of ``unreadable`` records, and of aggregates of ``unknown`` kinds.

    ``foreign`` has the unreadable records in Kafka by range; the feed of the notifier has no such records.
    """

    applied: int
    seconds: float
    unknown: int
    unreadable: int
    lanes: tuple[LaneReport, ...]
    foreign: tuple[ForeignReport, ...] = ()

    @property
    def is_sound(self) -> bool:
        return not any(lane.divergence or lane.missing or lane.ahead or lane.jump for lane in self.lanes)

    @property
    def total_digest(self) -> str:
        return total_digest(int(lane.digest, 16) for lane in self.lanes)


def report_on(lane: ReplicaLane) -> LaneReport:
    missing = lane.sequence + 1 if lane.highest_unapplied > lane.sequence and lane.divergence is None else None
    return LaneReport(
        lane.label,
        lane.timeline,
        lane.sequence,
        hex_of(lane),
        missing,
        lane.divergence,
        lane.set_aside,
        ahead=lane.unmet == lane.sequence > 0,
        jump=_jump(lane),
    )


def _jump(lane: ReplicaLane) -> int | None:
    """The timeline that rose too far, unless a later event continued the replica."""
    timeline, sequence = lane.jump
    return timeline if timeline > lane.timeline + 1 and sequence == lane.sequence else None


def total_digest(digests: Iterable[int]) -> str:
    """Digest over all lanes: the sum of the lane digests modulo 2²⁵⁶."""
    return to_hex(sum(digests) % MODULUS)
