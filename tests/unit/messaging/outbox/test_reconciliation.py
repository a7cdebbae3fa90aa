"""The tail of a lane's log: contiguous events, repeats, other timelines."""

import pytest
from aiokafka import TopicPartition
from samenspel.contracts.topics import INITIATIVES
from samenspel.messaging.outbox.reconciliation import DatabaseBehindLog, LogTail, fingerprint, holds_event

from tests.support.lane_owner import Owner
from tests.support.memory_log import Log, as_read, record


def tail_of(owner: Owner, published: int = 0, timeline: int = 1) -> LogTail:
    tail = LogTail(published, 0)
    for each in owner.log:
        tail.add(as_read(each), timeline)
    return tail


def test_tail_ends_behind_the_last_contiguous_event() -> None:
    owner = Owner()
    for _ in range(4):
        owner.publish()
    del owner.log[2]
    tail = tail_of(owner)
    assert (tail.contiguous, tail.next_offset, tail.highest) == (2, 2, 4)
    assert set(tail.fingerprints) == {1, 2, 4}


def test_tail_counts_a_repeat_once() -> None:
    owner = Owner()
    first = owner.publish()
    owner.publish()
    owner.repeat(first)
    tail = tail_of(owner)
    assert (tail.contiguous, tail.next_offset, tail.highest) == (2, 2, 2)


def test_tail_that_begins_anywhere_takes_its_first_event_as_contiguous() -> None:
    """The published offset is unknown: the log was replaced, and the beginning has expired."""
    owner = Owner()
    for _ in range(3):
        owner.publish()
    del owner.log[0]
    assert tail_of(owner, published=-1).contiguous == 3


def test_tail_ignores_events_of_an_older_timeline() -> None:
    owner = Owner()
    owner.publish()
    owner.begin_anew()
    owner.publish()
    assert tail_of(owner, timeline=2).highest == 1


def test_tail_with_a_newer_timeline_shows_that_the_database_is_older() -> None:
    owner = Owner()
    owner.begin_anew()
    owner.publish()
    with pytest.raises(DatabaseBehindLog, match="timeline 2"):
        tail_of(owner)


def test_fingerprint_covers_the_headers_in_any_order() -> None:
    owner = Owner()
    published = owner.publish()
    other = owner.repeat(published, ce_statedigest=b"%064x" % 7)
    reversed_headers = record(INITIATIVES, 0, 0, published.headers()[::-1], published.value())
    assert fingerprint(as_read(published)) == fingerprint(reversed_headers) != fingerprint(as_read(other))


@pytest.mark.parametrize(("offset", "sequence", "holds"), [(1, 2, True), (1, 1, False), (9, 2, False)])
async def test_event_is_at_its_offset_if_timeline_and_sequence_agree(offset: int, sequence: int, holds: bool) -> None:
    owner, log = Owner(), Log()
    for _ in range(2):
        published = owner.publish()
        log.append(INITIATIVES, 0, published.headers(), published.value())
    partition = TopicPartition(INITIATIVES, 0)
    assert await holds_event(log, partition, offset, 1, sequence) is holds  # type: ignore[arg-type]  # lists for Kafka
