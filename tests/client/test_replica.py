"""A replica keeps the law of lanes: each event once, in order, proven; and it says where that ends."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from samenspel.client.replica import LaneReport, ReplicaStore
from samenspel.client.replica.kafka import KafkaSync
from samenspel.client.replica.report import report_on
from samenspel.contracts.digest import to_hex

from tests.client.log import TOPIC, Owner, Source, reading_of


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ReplicaStore]:
    with ReplicaStore(tmp_path / "replica.db", create=True) as opened:
        yield opened


def sync(store: ReplicaStore, *owners: Owner) -> tuple[int, LaneReport]:
    """How many events were applied, and how the first lane stands."""
    reading = reading_of(store, *owners)
    applied = reading.run(False, lambda done, total: None)
    return applied, report_on(reading.batch.lanes[TOPIC, owners[0].lane])


def equals(report: LaneReport, owner: Owner) -> bool:
    return (report.timeline, report.sequence, report.digest) == (owner.timeline, owner.sequence, to_hex(owner.digest))


def test_every_event_is_applied_once(store: ReplicaStore) -> None:
    owner = Owner()
    for _ in range(20):
        owner.publish()
    owner.publish(subject=next(iter(owner.hashes))[1])
    applied, report = sync(store, owner)
    assert applied == 21
    assert equals(report, owner)
    assert sync(store, owner)[0] == 0


def test_the_second_time_only_what_is_new_is_read(store: ReplicaStore) -> None:
    owner = Owner()
    for _ in range(30):
        owner.publish()
    sync(store, owner)
    owner.publish()
    source = Source(owner)
    assert KafkaSync(source, store, source.bounds([TOPIC])).run(False, lambda done, total: None) == 1  # type: ignore[arg-type]
    assert source.handed_out == 2, "the last applied record, to know it is still there, and the new one"


def test_what_the_relay_sends_again_changes_nothing(store: ReplicaStore) -> None:
    owner = Owner()
    for _ in range(5):
        owner.repeat(owner.publish())
    owner.repeat(owner.log[0])
    applied, report = sync(store, owner)
    assert applied == 5
    assert equals(report, owner)


def test_nothing_behind_a_hole_is_applied_until_it_is_filled(store: ReplicaStore) -> None:
    owner = Owner()
    for _ in range(6):
        owner.publish()
    lost = owner.log.pop(2)
    _, report = sync(store, owner)
    assert (report.sequence, report.missing) == (2, 3)

    for record in [lost, *owner.log[2:]]:
        owner.log.append(type(record)(record.place, owner.log[-1].at + 1, record.named, record.data))
    _, report = sync(store, owner)
    assert equals(report, owner)
    assert report.missing is None


def test_a_changed_event_stops_its_lane_and_is_named(store: ReplicaStore) -> None:
    owner, other = Owner(), Owner(lane=1)
    for _ in range(5):
        owner.publish()
        other.publish()
    changed = owner.log[3]
    owner.log[3] = type(changed)(changed.place, 3, changed.named, changed.data.replace(b"title", b"titel"))
    applied, report = sync(store, owner, other)
    assert applied == 3 + 5, "the other lane goes on"
    assert report.sequence == 3
    assert report.divergence is not None
    assert report.divergence.sequence == 4
    assert report.divergence.event == dict(changed.named)["ce_id"].decode()


def test_a_new_timeline_is_built_anew(store: ReplicaStore) -> None:
    owner = Owner()
    kept = owner.publish().named
    for _ in range(3):
        owner.publish()
    sync(store, owner)
    owner.begin_anew()
    for _ in range(2):
        owner.publish()
    _, report = sync(store, owner)
    assert equals(report, owner)
    assert report.timeline == 2
    gone = dict(kept)["ce_subject"].decode()
    assert list(store.query("select 1 from aggregate where subject = ?", gone)) == []


def test_a_log_that_holds_something_else_at_our_place_has_diverged(store: ReplicaStore) -> None:
    owner, forger = Owner(), Owner()
    for _ in range(4):
        owner.publish()
        forger.publish()
    sync(store, owner)
    _, report = sync(store, forger)
    assert report.divergence is not None
    assert report.divergence.sequence == 4


def test_a_log_made_anew_on_other_offsets_is_found_by_sequence(store: ReplicaStore) -> None:
    owner = Owner()
    for _ in range(4):
        owner.publish()
    sync(store, owner)
    owner.publish()
    records = list(owner.log)
    owner.log.clear()
    owner.repeat(records[0])
    for record in records:
        owner.repeat(record)
    applied, report = sync(store, owner)
    assert applied == 1
    assert equals(report, owner)


def test_a_removed_aggregate_is_gone_and_counts_for_nothing(store: ReplicaStore) -> None:
    owner = Owner()
    owner.publish("a")
    owner.publish("b")
    owner.publish("a", value=b'{"removed": true}')
    _, report = sync(store, owner)
    assert equals(report, owner)
    assert [row[0] for row in store.query("select subject from aggregate")] == ["b"]


def test_a_kind_that_we_do_not_know_is_kept_raw_and_counted(store: ReplicaStore) -> None:
    owner = Owner()
    owner.publish("a", aggregate="invention.v9", value=b"\xff not even text")
    _, report = sync(store, owner)
    assert equals(report, owner)
    assert store.unknown_aggregates() == 1
    assert next(store.query("select value from event"))[0] == b"\xff not even text"


def test_a_record_that_is_no_event_is_passed_over(store: ReplicaStore) -> None:
    owner = Owner()
    owner.publish()
    owner.append([("ce_id", b"x")], b"{}")
    owner.publish()
    _, report = sync(store, owner)
    assert equals(report, owner)


def test_headers_are_kept_as_the_lines_of_the_journal(store: ReplicaStore) -> None:
    owner = Owner()
    record = owner.publish()
    sync(store, owner)
    (lines,) = next(store.query("select headers from event"))
    assert lines.encode() == b"".join(b"%b:%b\n" % (name.encode(), value) for name, value in record.named[:-1])
