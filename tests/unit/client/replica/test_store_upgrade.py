"""A file of version 1 is read as it is, and upgraded by the next sync; a file of a later version is refused."""

import sqlite3
from importlib.resources import files
from pathlib import Path

import pytest
from samenspel.client.replica import ReplicaError, ReplicaStore, diff, verify

from tests.support.lane_owner import Owner
from tests.support.replicas import content, replica, sync
from tests.support.state_tables import folded, stored
from tests.unit.client.replica.test_current_state import later, story

LOG = ("lane", "event", "feed")


def version_1(tmp_path: Path, owner: Owner, *, loaded: bool = True) -> Path:
    """A file as version 1 wrote it, with the events of the owner."""
    new, old = replica(tmp_path / "new.db", owner), tmp_path / "old.db"
    with sqlite3.connect(old) as connection:
        connection.execute("pragma journal_mode = wal")
        connection.executescript((files("tests.support") / "replica_version_1.sql").read_text())
        connection.execute("attach ? as new", (str(new),))
        for table in LOG:
            connection.execute(f"insert into main.{table} select * from new.{table}")  # noqa: S608
        if loaded:
            connection.execute("create index event_subject on event (aggregate, subject, number)")
    connection.close()
    return old


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return version_1(tmp_path, story())


def version_of(file: Path) -> int:
    with ReplicaStore(file) as store:
        return store._version()


def test_file_of_version_1_gets_filled_tables_and_keeps_its_log(old: Path) -> None:
    with ReplicaStore(old) as store:
        before = content(store)
    with ReplicaStore(old, create=True) as store:
        assert content(store) == before
        assert stored(store) == folded(store)
        assert store.differences() == []
        assert verify(store).is_equal
    assert version_of(old) == 2


def test_upgraded_file_follows_its_source(tmp_path: Path) -> None:
    owner = story()
    old = version_1(tmp_path, owner)
    later(owner)
    with ReplicaStore(old, create=True) as store:
        assert sync(store, owner)[0] == 4
        assert stored(store) == folded(store)


def test_file_of_version_1_whose_first_sync_did_not_end_is_filled_at_its_end(tmp_path: Path) -> None:
    owner = story()
    with ReplicaStore(version_1(tmp_path, owner, loaded=False), create=True) as store:
        assert not store.is_loaded
        sync(store, owner)
        assert stored(store) == folded(store)


def test_command_that_only_reads_uses_a_file_of_version_1_unchanged(tmp_path: Path, old: Path) -> None:
    with ReplicaStore(old) as store, ReplicaStore(tmp_path / "new.db") as new:
        report = verify(store)
        assert (report.is_equal, report.has_tables) == (True, False)
        assert diff(store, new) == []
        with pytest.raises(ReplicaError, match="earlier version and has no tables: `samenspel replica sync"):
            store.require_tables()
    assert version_of(old) == 1


def test_upgrade_that_fails_leaves_version_1(old: Path) -> None:
    with sqlite3.connect(old) as connection:
        connection.execute("create table initiative_partner (note text)")
    connection.close()
    with pytest.raises(ReplicaError, match="of your own with the name initiative_partner: rename it"):
        ReplicaStore(old, create=True)
    assert version_of(old) == 1
    with ReplicaStore(old) as store:
        assert next(store.query("select count(*) from initiative")) == (2,)


def test_file_of_a_later_version_is_refused(old: Path) -> None:
    with sqlite3.connect(old) as connection:
        connection.execute("pragma user_version = 3")
    connection.close()
    for create in (False, True):
        with pytest.raises(ReplicaError, match="has format 3, this program needs 2: sync into a new file"):
            ReplicaStore(old, create=create)


def test_views_of_version_1_keep_their_columns(old: Path) -> None:
    def columns(store: ReplicaStore) -> dict[str, list[str]]:
        views = [name for (name,) in store.query("select name from sqlite_master where type = 'view'")]
        return {view: [row[1] for row in store.query(f"pragma table_info({view})")] for view in views}

    def rows(store: ReplicaStore, names: dict[str, list[str]]) -> dict[str, list[object]]:
        quoted = {view: ", ".join(f'"{each}"' for each in names[view]) for view in names}
        return {
            view: sorted(store.query(f"select {listed} from {view}"), key=repr)  # noqa: S608
            for view, listed in quoted.items()
        }

    with ReplicaStore(old) as store:
        before, were = columns(store), rows(store, columns(store))
    with ReplicaStore(old, create=True) as store:
        for view, names in before.items():
            assert columns(store)[view][: len(names)] == names
        assert rows(store, before) == were
