"""What a sync found, lane by lane."""

from collections.abc import Iterable
from dataclasses import dataclass

from samenspel.client.replica.apply import Divergence, ReplicaLane, hex_of
from samenspel.contracts.digest import MODULUS, to_hex


@dataclass(frozen=True, slots=True)
class LaneReport:
    """``missing`` is the sequence that is not in the log, so that nothing behind it can be applied.

    ``set_aside`` is the file with what this copy had of the lane before its owner started it anew, else empty.
    """

    lane: str
    timeline: int
    sequence: int
    digest: str
    missing: int | None
    divergence: Divergence | None
    set_aside: str = ""


@dataclass(frozen=True, slots=True)
class SyncReport:
    """``applied`` events in ``seconds``; ``unknown`` aggregates of a kind we do not know, ``unreadable`` records."""

    applied: int
    seconds: float
    unknown: int
    unreadable: int
    lanes: tuple[LaneReport, ...]

    @property
    def is_sound(self) -> bool:
        return not any(lane.divergence or lane.missing for lane in self.lanes)

    @property
    def total_digest(self) -> str:
        return total_digest(int(lane.digest, 16) for lane in self.lanes)


def report_on(lane: ReplicaLane) -> LaneReport:
    missing = lane.sequence + 1 if lane.highest_unapplied > lane.sequence and lane.divergence is None else None
    return LaneReport(
        lane.label, lane.timeline, lane.sequence, hex_of(lane), missing, lane.divergence, lane.set_aside
    )


def total_digest(digests: Iterable[int]) -> str:
    """One number for all lanes together: their sum, modulo 2²⁵⁶."""
    return to_hex(sum(digests) % MODULUS)
