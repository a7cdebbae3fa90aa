"""The tables of a replica equal the fold of its log: for every sequence of events, and after any death."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from samenspel.client.replica import ReplicaError, ReplicaStore
from samenspel.contracts.example_states import EXAMPLE_STATES

from tests.support.lane_owner import Owner, reading_of
from tests.support.replicas import change, sync
from tests.support.state_tables import folded, stored
from tests.unit.client.replica.test_store_rebuild import DyingConnection

OINS: Final = tuple(f"0000009900000000030{number}" for number in range(3))
REMOVAL: Final = b'{"removed":true}'
NO_STATES: Final = (
    REMOVAL,
    b"[]",
    b"null",
    b"3",
    b'"text"',
    b"{",
    b"\xff",
    b'{"partners":"x","estimated_costs":{"a":1}}',
)


def initiative(theme: str, partners: list[str], amounts: list[int], version: int) -> bytes:
    costs = [{"category": "knowledge", "amount_cents": amount} for amount in amounts]
    state = {**EXAMPLE_STATES["initiative.v1"], "theme": theme, "partners": partners, "version": version}
    return orjson.dumps({**state, "estimated_costs": costs})


def rollout(milestones: list[tuple[str, str]], adopter: str) -> bytes:
    rows = [{"milestone": each, "title": "Stap", "status": status} for each, status in milestones]
    return orjson.dumps({**EXAMPLE_STATES["rollout.v1"], "milestones": rows, "adopter": adopter})


VALUES: Final = {
    "initiative.v1": st.builds(
        initiative,
        st.sampled_from(["climate", "housing"]),
        st.lists(st.sampled_from(OINS), max_size=3),
        st.lists(st.integers(0, 10**15), max_size=3),
        st.integers(1, 9),
    ),
    "rollout.v1": st.builds(
        rollout,
        st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["planned", "reached"])), max_size=3),
        st.sampled_from(OINS),
    ),
    "application.v1": st.sampled_from([orjson.dumps(EXAMPLE_STATES["application.v1"]), b'{"status":"submitted"}']),
    "invention.v9": st.sampled_from([b"{}", b"\xff"]),
}


def events_of(aggregate: str) -> st.SearchStrategy[tuple[str, str, bytes]]:
    values = VALUES[aggregate] | st.sampled_from(NO_STATES)
    return st.tuples(st.just(aggregate), st.sampled_from("xyz"), values)


EVENT: Final = st.sampled_from(sorted(VALUES)).flatmap(events_of)
STEP: Final = st.lists(EVENT, max_size=8) | st.just("new timeline")


def play(owner: Owner, step: Any) -> None:
    if step == "new timeline":
        owner.begin_anew()
        owner.publish("first")
    else:
        for aggregate, subject, value in step:
            owner.publish(subject, aggregate, value)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(0, 1), STEP), max_size=6))
def test_tables_equal_the_fold_of_the_log_after_every_sync(tmp_path: Path, steps: list[tuple[int, Any]]) -> None:
    owners = Owner(0), Owner(1)
    for each in tmp_path.iterdir():
        each.unlink()
    with ReplicaStore(tmp_path / "r.db", create=True) as store:
        sync(store, *owners)
        for place, step in steps:
            play(owners[place], step)
            sync(store, *owners)
            assert stored(store) == folded(store)


def story() -> Owner:
    """An owner with aggregates of several kinds, changed and removed."""
    owner = Owner()
    for name, state in EXAMPLE_STATES.items():
        owner.publish(f"id-{name}", name, orjson.dumps(state))
    owner.publish("a", "initiative.v1", initiative("climate", [OINS[0]], [5], 1))
    owner.publish("b", "invention.v9", b"{}")
    return owner


def later(owner: Owner) -> None:
    """Changes of rows, of indexed columns and of lists; a removal; and a new aggregate."""
    owner.publish("a", "initiative.v1", initiative("housing", [OINS[1], OINS[2]], [5, 7], 2))
    owner.publish("id-rollout.v1", "rollout.v1", REMOVAL)
    owner.publish("b", "invention.v9", REMOVAL)
    owner.publish("c", "initiative.v1", initiative("housing", [], [], 1))


def restart(owner: Owner) -> None:
    owner.begin_anew()
    owner.publish("c", "initiative.v1", initiative("housing", [OINS[0]], [1], 1))


def die(statements: int, file: Path, owner: Owner) -> bool:
    """Sync in a process that dies before this statement; whether the sync ended before its death."""
    process = os.fork()
    if process == 0:
        with ReplicaStore(file, create=True) as store:
            connection: Any = DyingConnection(store._connection, statements)
            store._connection = store._state._connection = connection
            sync(store, owner)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0


@pytest.mark.parametrize("change_of", [later, restart, lambda owner: None], ids=["follow", "new timeline", "first"])
def test_death_at_any_statement_leaves_tables_equal_to_the_log(
    tmp_path: Path, change_of: Callable[[Owner], None]
) -> None:
    file, statements, ended = tmp_path / "r.db", 0, False
    while not ended:
        for each in tmp_path.iterdir():
            each.unlink()
        owner = story()
        if change_of in (later, restart):
            with ReplicaStore(file, create=True) as store:
                sync(store, owner)
        change_of(owner)
        ended = die(statements, file, owner)
        with ReplicaStore(file, create=True) as store:
            if store.is_loaded:
                assert stored(store) == folded(store)
            else:
                assert not any(stored(store).values())
            sync(store, owner)
            assert stored(store) == folded(store)
            assert store.differences() == []
        statements += 3
    assert statements > 30


def test_removed_aggregate_leaves_every_table(store: ReplicaStore) -> None:
    owner = Owner()
    for name, state in EXAMPLE_STATES.items():
        owner.publish("x", name, orjson.dumps(state))
    sync(store, owner)
    assert sum(map(len, stored(store).values())) > len(EXAMPLE_STATES)
    for name in EXAMPLE_STATES:
        owner.publish("x", name, REMOVAL)
    sync(store, owner)
    assert not any(stored(store).values())


def test_lane_on_a_new_timeline_leaves_the_tables_until_it_is_read_again(store: ReplicaStore) -> None:
    owner, other = story(), Owner(1)
    other.publish("kept", "initiative.v1", initiative("climate", [], [], 1))
    sync(store, owner, other)
    lane = next(each for each in store.lanes() if each.partition == 0)
    store.restart_lane(lane, 2)
    assert stored(store) == folded(store)
    assert list(store.query("select initiative_id from initiative")) == [("kept",)]


def test_aggregate_that_is_removed_by_another_lane_leaves_with_its_own_lane(store: ReplicaStore) -> None:
    owner, other = Owner(), Owner(1)
    other.publish("a", "initiative.v1", REMOVAL)
    sync(store, owner, other)
    owner.publish("a", "initiative.v1", initiative("climate", [OINS[0]], [1], 1))
    sync(store, owner, other)
    assert stored(store) == folded(store)
    store.restart_lane(next(each for each in store.lanes() if each.partition == 0), 2)
    assert stored(store) == folded(store)


def test_following_sync_writes_tables_with_each_commit(store: ReplicaStore) -> None:
    owner = story()
    sync(store, owner)
    later(owner)
    sync(store, owner)
    assert stored(store) == folded(store)


def test_events_that_another_program_wrote_are_found_at_the_next_commit(tmp_path: Path) -> None:
    owner = story()
    with ReplicaStore(tmp_path / "r.db", create=True) as store:
        sync(store, owner)
        change(tmp_path / "r.db", "delete from initiative_v1")
        change(tmp_path / "r.db", "update state_position set number = number - 1")
        owner.publish("d")
        sync(store, owner)
        assert stored(store) == folded(store)


@pytest.mark.parametrize(
    "damage",
    [
        "drop table initiative_v1",
        "drop view initiative",
        "drop index initiative_v1_by_theme",
        "drop index event_subject",
        "drop table state_position",
        "drop table state_object",
        "delete from municipality",
        "update state_position set number = 1",
        "alter table rollout_v1 add column extra text",
    ],
)
def test_tables_of_another_form_are_defined_anew_by_the_next_sync(tmp_path: Path, damage: str) -> None:
    file, owner = tmp_path / "r.db", story()
    with ReplicaStore(file, create=True) as store:
        sync(store, owner)
    change(file, damage)
    with ReplicaStore(file, create=True) as store:
        sync(store, owner)
        assert store.differences() == []
        assert stored(store) == folded(store)


def test_table_of_the_user_stays_and_a_name_in_use_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "r.db"
    with ReplicaStore(file, create=True) as store:
        sync(store, story())
    change(file, "create table mine as select * from initiative")
    change(file, "drop table state_object")
    change(file, "drop view rollout")
    with ReplicaStore(file, create=True) as store:
        assert next(store.query("select count(*) from mine")) == (2,)
    change(file, "drop view rollout")
    change(file, "create table rollout (note text)")
    with pytest.raises(ReplicaError, match="of your own with the name rollout"):
        ReplicaStore(file, create=True)


def test_commit_writes_only_the_lists_and_indexes_that_change(store: ReplicaStore) -> None:
    owner = Owner()
    owner.publish("a", "initiative.v1", initiative("climate", [OINS[0]], [5], 1))
    sync(store, owner)
    statements = list[str]()
    store._connection.set_trace_callback(statements.append)
    owner.publish("a", "initiative.v1", initiative("climate", [OINS[0]], [5], 2))
    sync(store, owner)
    written = [
        each for each in statements if each.startswith(("insert into main.", "update main.", "delete from main."))
    ]
    assert [each.split()[2] for each in written if "initiative" in each] == ["main.initiative_v1"]
    assert stored(store) == folded(store)


def test_first_sync_that_did_not_end_has_empty_tables(store: ReplicaStore) -> None:
    reading_of(store, story()).run(False, lambda done, total: None)
    assert not store.is_loaded
    assert not any(stored(store).values())
    with pytest.raises(ReplicaError, match="has not ended"):
        store.require_tables()
    store.finish()
    assert stored(store) == folded(store)


def test_connection_that_only_reads_writes_no_table(file: Path) -> None:
    with ReplicaStore(file) as store, pytest.raises(sqlite3.OperationalError):
        store._state.fill()
