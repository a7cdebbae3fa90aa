"""Differences between two replicas, per aggregate, for lanes with different digests."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from samenspel.client.replica.store import ReplicaStore
from samenspel.client.replica.verify import hash_of
from samenspel.contracts.digest import REMOVED

_STATES: Final = "select aggregate, subject, value, last_event, lane, sequence from aggregate"


@dataclass(frozen=True, slots=True)
class Difference:
    """A differing aggregate. ``left`` and ``right`` name the last event of the aggregate; None when absent."""

    aggregate: str
    subject: str
    left: str | None
    right: str | None

    def __str__(self) -> str:
        return f"{self.aggregate} {self.subject}: {self.left or 'absent'} | {self.right or 'absent'}"


def diff(left: ReplicaStore, right: ReplicaStore) -> list[Difference]:
    """Differing aggregates of two replica files, in order of aggregate and subject.

    Raises ReplicaError for a file whose first sync has not ended.
    """
    left.require_loaded()
    right.require_loaded()
    left_states, right_states = dict(_states(left)), dict(_states(right))
    return [
        Difference(*reference, _event(left_states.get(reference)), _event(right_states.get(reference)))
        for reference in sorted(left_states.keys() | right_states.keys())
        if _hash(left_states.get(reference)) != _hash(right_states.get(reference))
    ]


def _states(store: ReplicaStore) -> Iterator[tuple[tuple[str, str], tuple[int, str]]]:
    """Hash and last event per aggregate; hashes are recomputed, because the stored hashes may be tampered with."""
    for aggregate, subject, value, id, lane, sequence in store.query(_STATES):
        yield (aggregate, subject), (hash_of(aggregate, subject, value), f"event {id} ({lane} sequence {sequence})")


def _hash(state: tuple[int, str] | None) -> int:
    return state[0] if state else REMOVED


def _event(state: tuple[int, str] | None) -> str | None:
    return state[1] if state else None
