"""A batch of projected events: positions, digests, gaps and new timelines, by the rule of sequencing."""

from samenspel.contracts import canonical
from samenspel.contracts.canonical import CanonicalEvent
from samenspel.contracts.integers import INT32_MAX
from samenspel.contracts.sequencing import Position
from samenspel.contracts.topics import INITIATIVES
from samenspel.messaging.projections.batch import Divergence, ProjectionBatch

from tests.support.lane_owner import Owner, Record

LANE = INITIATIVES, 0


def event(record: Record) -> CanonicalEvent:
    return canonical.read(record.topic(), record.partition(), record.offset(), record.headers(), record.value())


def batch_of(*records: Record) -> ProjectionBatch:
    batch = ProjectionBatch({LANE: Position(1)}, {})
    for record in records:
        batch.apply(event(record))
    return batch


def test_events_in_order_move_position_and_digest() -> None:
    owner = Owner()
    batch = batch_of(owner.publish("a"), owner.publish("b"), owner.publish("a"))
    position = batch.positions[LANE]
    assert (position.sequence, position.digest) == (3, owner.digest)
    assert [each.sequence for each in batch.events] == [1, 2, 3]
    assert {subject: each.sequence for (_, subject), each in batch.latest.items()} == {"a": 3, "b": 2}
    assert not (batch.gaps or batch.diverged or batch.restarted)


def test_repeat_changes_neither_position_nor_digest() -> None:
    owner = Owner()
    first = owner.publish("a")
    batch = batch_of(first, owner.publish("b"), first)
    assert batch.positions[LANE].sequence == 2
    assert [each.sequence for each in batch.events] == [1, 2]


def test_event_behind_a_gap_is_not_applied_and_its_lane_is_named() -> None:
    owner = Owner()
    first, _, third = owner.publish(), owner.publish(), owner.publish()
    batch = batch_of(first, third)
    assert batch.positions[LANE].sequence == 1
    assert batch.gaps == {LANE}


def test_event_whose_digest_differs_is_the_first_divergence_of_its_lane() -> None:
    owner = Owner()
    records = [owner.publish("a"), owner.publish("b"), owner.publish("c")]
    records[1] = owner.repeat(records[1], value=b'{"title":"another"}')
    batch = batch_of(*records)
    assert batch.diverged == {LANE: Divergence(2, "digest differs from the owner's at event 2")}
    assert (batch.positions[LANE].sequence, [each.sequence for each in batch.events]) == (1, [1])
    assert not batch.gaps, "the events behind it are not missing"


def test_lane_is_consistent_again_with_an_event_that_fits() -> None:
    """The event with the other digest was forged: the owner's own event has the same sequence."""
    owner = Owner()
    first, second = owner.publish("a"), owner.publish("b")
    forged = owner.repeat(second, value=b'{"title":"another"}')
    batch = batch_of(first, forged, owner.repeat(second), owner.publish("c"))
    assert not batch.diverged
    assert (batch.positions[LANE].sequence, batch.positions[LANE].digest) == (3, owner.digest)


def test_timeline_that_rises_by_more_than_one_is_refused_and_discards_nothing() -> None:
    owner = Owner()
    first = owner.publish("a")
    forged = owner.repeat(first, ce_timeline=str(INT32_MAX).encode())
    batch = batch_of(first, forged)
    assert batch.diverged == {LANE: Divergence(1, f"timeline rises from 1 to {INT32_MAX}")}
    assert (batch.positions[LANE].timeline, batch.restarted) == (1, {})
    batch.apply(event(owner.publish("b")))
    assert not batch.diverged


def test_new_timeline_whose_first_event_has_another_digest_discards_nothing() -> None:
    owner = Owner()
    first = owner.publish("a")
    owner.begin_anew()
    forged = owner.repeat(owner.publish("b"), value=b'{"title":"another"}')
    batch = batch_of(first, forged)
    assert (batch.positions[LANE].timeline, batch.restarted, [*batch.latest]) == (1, {}, [("initiative.v1", "a")])
    assert LANE in batch.diverged


def test_record_that_was_passed_before_is_not_refused_again() -> None:
    """The log is read again from its start."""
    owner = Owner()
    first = owner.publish("a")
    forged = owner.repeat(first, ce_timeline=b"7")
    second = owner.publish("b")
    batch = batch_of(first, forged, second, first, forged, second)
    assert not batch.diverged


def test_reader_without_any_event_accepts_the_first_timeline_that_it_reads() -> None:
    owner = Owner(timeline=5)
    assert batch_of(owner.publish("a")).positions[LANE].timeline == 5


def test_batch_that_only_ends_or_finds_a_divergence_is_stored() -> None:
    owner = Owner()
    first, second = owner.publish("a"), owner.publish("b")
    position = batch_of(first).positions
    found = ProjectionBatch(dict(position), {})
    found.apply(event(owner.repeat(second, value=b"{}")))
    assert found.changed
    again = ProjectionBatch(dict(position), {}, diverged=dict(found.diverged))
    again.apply(event(owner.repeat(second, value=b"{}")))
    assert not again.changed


def test_removed_aggregate_counts_for_nothing() -> None:
    owner = Owner()
    batch = batch_of(owner.publish("a"), owner.publish("a", value=b'{"removed": true}'))
    assert batch.positions[LANE].digest == owner.digest == 0


def test_new_timeline_restarts_the_lane_from_its_first_event() -> None:
    owner = Owner()
    old = [owner.publish("a"), owner.publish("b")]
    owner.begin_anew()
    batch = batch_of(*old, owner.publish("c"))
    position = batch.positions[LANE]
    assert (position.timeline, position.sequence, position.digest) == (2, 1, owner.digest)
    assert batch.restarted == {LANE: 2}
    assert [subject for _, subject in batch.latest] == ["c"]


def test_new_timeline_without_its_first_event_is_a_gap() -> None:
    owner = Owner()
    first = owner.publish("a")
    owner.begin_anew()
    owner.publish("b")
    batch = batch_of(first, owner.publish("c"))
    assert batch.positions[LANE].timeline == 1
    assert batch.gaps == {LANE}
