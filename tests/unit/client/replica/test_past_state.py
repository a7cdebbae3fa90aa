"""Tables and views as of a past moment equal those of a replica that read no further."""

from pathlib import Path

import orjson
import pytest
from samenspel.client.replica import ReplicaError, ReplicaStore, read_moment

from tests.support.lane_owner import TOPIC, Owner
from tests.support.replicas import replica, sync
from tests.support.state_tables import stored
from tests.unit.client.replica.test_current_state import REMOVAL, initiative, later, story


def at(store: ReplicaStore, moment: str, sql: str) -> list[tuple[object, ...]]:
    with store.snapshot():
        store.show_moment(read_moment(moment))
        return list(store.query(sql))


def test_state_at_every_number_equals_a_replica_of_the_events_so_far(tmp_path: Path) -> None:
    owner = story()
    later(owner)
    with ReplicaStore(replica(tmp_path / "all.db", owner)) as whole:
        for number in range(1, owner.sequence + 1):
            part = Owner()
            part.log = owner.log[:number]
            with ReplicaStore(replica(tmp_path / f"{number}.db", part)) as store:
                expected = stored(store)
            for moment in (str(number), f"{TOPIC}/0@{number}"):
                with whole.snapshot():
                    whole.show_moment(read_moment(moment))
                    assert stored(whole) == expected


def test_views_show_the_moment_and_then_the_present_again(tmp_path: Path) -> None:
    owner = story()
    before = owner.sequence
    later(owner)
    titles = "select initiative_id, theme, lead_name from initiative order by 1"
    with ReplicaStore(replica(tmp_path / "r.db", owner)) as store:
        now = list(store.query(titles))
        assert at(store, str(before), titles) != now
        assert ("a", "climate") in [row[:2] for row in at(store, str(before), titles)]
        assert list(store.query(titles)) == now


def test_moment_before_the_first_event_has_empty_tables(file: Path) -> None:
    with ReplicaStore(file) as store:
        for moment in ("0", "2020-01-01"):
            assert at(store, moment, "select count(*) from aggregate") == [(0,)]
        assert at(store, "2026-11-24", "select count(*) from aggregate") == [(4,)]
        assert at(store, "2026-11-24T09:59:59Z", "select count(*) from aggregate") == [(0,)]
        assert at(store, "2026-11-24T10:00:00Z", "select count(*) from aggregate") == [(4,)]


def test_lane_position_that_the_file_does_not_have_is_refused(file: Path) -> None:
    missing = pytest.raises(ReplicaError, match=f"the file has no event 7 of lane {TOPIC}/0")
    with ReplicaStore(file) as store, store.snapshot(), missing:
        store.show_moment(read_moment(f"{TOPIC}/0@7"))


def test_value_of_one_aggregate_at_a_moment(store: ReplicaStore) -> None:
    owner = Owner()
    first, second = initiative("climate", [], [], 1), initiative("housing", [], [], 2)
    for value in (first, second, REMOVAL):
        owner.publish("a", "initiative.v1", value)
    sync(store, owner)
    found = [store.value_at("initiative.v1", "a", read_moment(str(number))) for number in range(4)]
    assert found == [None, first.decode(), second.decode(), None]
    assert orjson.loads(found[2] or b"")["theme"] == "housing"


def test_snapshot_sees_one_commit(tmp_path: Path) -> None:
    owner = story()
    file = replica(tmp_path / "r.db", owner)
    count = "select count(*) from event"
    with ReplicaStore(file) as reader, ReplicaStore(file, create=True) as writer:
        with reader.snapshot():
            before = list(reader.query(count))
            later(owner)
            sync(writer, owner)
            assert list(reader.query(count)) == before
        assert list(reader.query(count)) != before
