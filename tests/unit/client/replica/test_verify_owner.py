"""A replica is compared with the owner's log, with a possible repeat as last record."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from samenspel.client.replica import ReplicaStore, verify
from samenspel.client.replica.foreign import ForeignRecordCount
from samenspel.client.replica.verify import LaneVerdict, _compare_with_owner

from tests.support.lane_owner import Owner, Source, reading_of


@pytest.fixture
def owner() -> Owner:
    made = Owner()
    for _ in range(3):
        made.publish()
    return made


@pytest.fixture
def store(tmp_path: Path, owner: Owner) -> Iterator[ReplicaStore]:
    """A replica at the owner's third event."""
    with ReplicaStore(tmp_path / "replica.db", create=True) as opened:
        sync(opened, owner)
        yield opened


def sync(store: ReplicaStore, owner: Owner) -> None:
    reading_of(store, owner).run(False, lambda done, total: None)


def compared(store: ReplicaStore, owner: Owner) -> LaneVerdict:
    verdicts = list(verify(store).lanes)
    [found] = _compare_with_owner(Source(owner), store, verdicts, ForeignRecordCount())  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize(
    ("more", "repeated", "behind"),
    [
        (0, [], 0),
        (2, [], 2),
        (0, [1], 0),
        (0, [3], 0),
        (2, [3], 2),
        (2, [1], 2),
        (2, [2, 3], 2),
        (2, [4], 2),
        (2, [1, 2, 3, 4, 5, 1, 2], 2),
    ],
    ids=str,
)
def test_repeat_at_the_end_of_the_log_is_not_the_owners_last_event(
    store: ReplicaStore, owner: Owner, more: int, repeated: list[int], behind: int
) -> None:
    for _ in range(more):
        owner.publish()
    for sequence in repeated:
        owner.repeat(owner.log[sequence - 1])
    found = compared(store, owner)
    assert (found.behind, found.equal) == (behind, True)


def test_owner_that_lost_events_is_found_despite_a_repeat(store: ReplicaStore, owner: Owner) -> None:
    owner.log.pop()
    owner.repeat(owner.log[0])
    assert compared(store, owner).behind == -1
    owner.log.clear()
    assert compared(store, owner).behind == -3


def test_another_event_at_the_replicas_position_is_found_despite_a_repeat(store: ReplicaStore, owner: Owner) -> None:
    owner.log.pop()
    owner.repeat(owner.log[1], ce_sequence=b"%020d" % 3, ce_statedigest=b"%064x" % 7)
    owner.repeat(owner.log[0])
    found = compared(store, owner)
    assert (found.behind, found.equal) == (0, False)


def test_recreated_log_on_other_offsets_is_searched_for_the_position(store: ReplicaStore, owner: Owner) -> None:
    records = list(owner.log)
    owner.log.clear()
    for record in [records[0], *records, records[0]]:
        owner.repeat(record)
    found = compared(store, owner)
    assert (found.behind, found.equal) == (0, True)


def test_recreated_log_with_another_event_at_the_position_is_not_equal(store: ReplicaStore, owner: Owner) -> None:
    records = list(owner.log)
    owner.log.clear()
    for record in [records[0], *records[:2]]:
        owner.repeat(record)
    owner.repeat(records[2], ce_statedigest=b"%064x" % 7)
    found = compared(store, owner)
    assert (found.behind, found.equal) == (0, False)


def test_repeat_of_an_older_timeline_does_not_make_unequal(store: ReplicaStore, owner: Owner) -> None:
    first = owner.log[0]
    owner.begin_anew()
    owner.publish()
    sync(store, owner)
    owner.repeat(first)
    found = compared(store, owner)
    assert (found.timeline, found.behind, found.equal) == (2, 0, True)


def test_repeat_of_the_replicas_timeline_does_not_hide_a_newer_one(store: ReplicaStore, owner: Owner) -> None:
    last = owner.log[2]
    owner.begin_anew()
    for _ in range(2):
        owner.publish()
    owner.repeat(last)
    found = compared(store, owner)
    assert (found.behind, found.equal) == (2, False), "all of the new timeline is to be read"


def test_record_that_is_no_event_is_ignored(store: ReplicaStore, owner: Owner) -> None:
    owner.append([("ce_id", b"x")], b"{}")
    found = compared(store, owner)
    assert (found.behind, found.equal) == (0, True)


def test_replica_of_the_feed_without_offsets_is_compared(store: ReplicaStore, owner: Owner) -> None:
    list(store.query("update lane set last_offset = -1"))
    owner.publish()
    owner.repeat(owner.log[2])
    found = compared(store, owner)
    assert (found.behind, found.equal) == (1, True)


def test_shorter_lane_of_another_system_is_not_called_equal(store: ReplicaStore) -> None:
    owner = Owner()
    owner.publish()
    found = compared(store, owner)
    assert (found.behind, found.equal) == (-2, False)
