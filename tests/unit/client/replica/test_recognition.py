"""A sync applies nothing before every lane of the file is recognised in the source by its content."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samenspel.client.replica import LaneReport, ReplicaStore
from samenspel.client.replica.connection import ReplicaError
from samenspel.client.replica.refusals import OtherSystem, SourceRefused
from samenspel.client.replica.report import report_on

from tests.support.lane_owner import Owner, reading_of
from tests.support.replicas import content, equals, feed_of, sync, sync_from

Sync = Callable[..., list[LaneReport]]


def over_kafka(store: ReplicaStore, *owners: Owner, rebuild: bool = False) -> list[LaneReport]:
    reading = reading_of(store, *owners, rebuild=rebuild)
    reading.run(False, lambda done, total: None)
    return [report_on(lane) for lane in reading.batch.lanes.values()]


def over_http(store: ReplicaStore, *owners: Owner, rebuild: bool = False) -> list[LaneReport]:
    reading = sync_from(feed_of(*owners), store, rebuild=rebuild)
    return [report_on(lane) for lane in reading.batch.lanes.values()]


SOURCES = pytest.mark.parametrize("sync_again", [over_kafka, over_http])
subjects = st.lists(st.sampled_from("abc"), min_size=1, max_size=8)


def published(lane: int, names: list[str]) -> Owner:
    """A lane with an event for each subject. Two lanes with the same names have the same states and digests."""
    owner = Owner(lane)
    for name in names:
        owner.publish(name, value=b'{"title":"the same"}')
    return owner


@SOURCES
@pytest.mark.parametrize("first_sync", [over_kafka, over_http])
@given(ours=subjects, theirs=st.lists(st.sampled_from("abc"), max_size=10), kept=subjects)
def test_lane_replaced_by_another_lane_is_always_refused_and_the_file_unchanged(
    first_sync: Sync, sync_again: Sync, ours: list[str], theirs: list[str], kept: list[str]
) -> None:
    """Shorter, longer, equally long, empty, or with the same states; another lane is as before."""
    beside = published(1, kept)
    with tempfile.TemporaryDirectory() as folder, ReplicaStore(Path(folder) / "r.db", create=True) as store:
        first_sync(store, published(0, ours), beside)
        before = content(store)
        beside.publish()
        new_lane = published(2, ["x"])
        with pytest.raises(SourceRefused, match=r"another system.*--rebuild"):
            sync_again(store, published(0, theirs), beside, new_lane)
        assert content(store) == before


@SOURCES
@given(ours=subjects, theirs=subjects)
def test_rebuild_empties_the_file_and_reads_the_other_system(
    sync_again: Sync, ours: list[str], theirs: list[str]
) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        ReplicaStore(Path(folder) / "r.db", create=True) as store,
        ReplicaStore(Path(folder) / "new.db", create=True) as new,
    ):
        over_kafka(store, published(0, ours), published(1, ours))
        store.finish()
        successor = published(0, theirs)
        sync_again(store, successor, rebuild=True)
        sync_again(new, successor)
        assert content(store) == content(new)
        assert sync(store, successor)[0] == 0


@SOURCES
def test_rebuild_from_a_source_without_events_keeps_the_file(store: ReplicaStore, sync_again: Sync) -> None:
    owner = published(0, ["a"])
    over_kafka(store, owner)
    before = content(store)
    with pytest.raises(ReplicaError, match="has no events, so the replica is not emptied"):
        sync_again(store, Owner(), rebuild=True)
    assert content(store) == before


@SOURCES
def test_repeat_of_another_event_at_a_known_place_has_diverged(store: ReplicaStore, sync_again: Sync) -> None:
    """The lane begins with the same event: it is the same lane, with another history."""
    over_kafka(store, owner := published(0, ["a", "b", "c"]))
    other = Owner(identity=owner.identity)
    for name in "axcd":
        other.publish(name, value=b'{"title":"the same"}')
    [report] = sync_again(store, other)
    assert report.divergence is not None
    assert report.sequence == 3
    assert report.divergence.sequence in (2, 3), "over Kafka the last applied event is compared first"


def test_log_that_ends_before_the_replica_is_reported(store: ReplicaStore) -> None:
    owner = published(0, ["a", "b", "c"])
    sync(store, owner)
    del owner.log[2:]
    applied, report = sync(store, owner)
    assert (applied, report.ahead) == (0, True)


def test_recreated_log_with_the_same_events_is_recognised(store: ReplicaStore) -> None:
    owner = published(0, ["a", "b", "c"])
    sync(store, owner)
    records = list(owner.log)
    owner.log.clear()
    for record in [records[0], *records]:
        owner.repeat(record)
    applied, report = sync(store, owner)
    assert (applied, report.ahead, equals(report, owner)) == (0, False, True)


def test_truncated_log_is_recognised_by_an_event_of_the_file(store: ReplicaStore) -> None:
    owner = published(0, ["a", "b", "c"])
    sync(store, owner)
    records = list(owner.log)
    owner.log.clear()
    for record in records[1:]:
        owner.repeat(record)
    owner.publish("d")
    applied, report = sync(store, owner)
    assert (applied, equals(report, owner)) == (1, True)


def test_identity_outlives_the_restart_of_a_lane(store: ReplicaStore) -> None:
    """The process died after the restart, before the first event of the new timeline."""
    owner = published(0, ["a", "b"])
    sync(store, owner)
    [lane] = store.lanes()
    store.restart_lane(lane, 2)
    [restarted] = store.lanes()
    assert (restarted.sequence, restarted.identity) == (0, owner.identity)
    with pytest.raises(OtherSystem):
        sync(store, published(0, ["a"]))


@SOURCES
def test_timeline_that_rises_by_more_than_one_is_not_applied(store: ReplicaStore, sync_again: Sync) -> None:
    owner = published(0, ["a"])
    sync(store, owner)
    before = content(store)
    for _ in range(2):
        owner.begin_anew()
    owner.publish("a")
    [report] = sync_again(store, owner)
    assert (report.timeline, report.jump) == (1, 3)
    assert content(store) == before


def test_forged_timeline_in_the_log_stops_no_replica(store: ReplicaStore) -> None:
    owner = published(0, ["a"])
    owner.repeat(owner.log[0], ce_timeline=b"2147483647")
    owner.publish("b")
    applied, report = sync(store, owner)
    assert (applied, report.timeline, report.jump) == (2, 1, None)


def test_new_file_accepts_a_lane_on_a_later_timeline(store: ReplicaStore) -> None:
    owner = Owner()
    for _ in range(2):
        owner.begin_anew()
    owner.publish("a")
    applied, report = sync(store, owner)
    assert (applied, report.timeline) == (1, 3)


def test_file_of_the_version_before_is_read_and_recognised(tmp_path: Path) -> None:
    """Such a file has no table of kept identities; its events have the identities."""
    owner, file = published(0, ["a"]), tmp_path / "r.db"
    with ReplicaStore(file, create=True) as store:
        sync(store, owner)
        list(store.query("drop table lane_identity"))
    with ReplicaStore(file) as store:
        assert [lane.identity for lane in store.lanes()] == [owner.identity]
    with ReplicaStore(file, create=True) as store, pytest.raises(OtherSystem):
        sync(store, published(0, ["a"]))
