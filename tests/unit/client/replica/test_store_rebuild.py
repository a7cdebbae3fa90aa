"""A rebuild of a replica file that is killed: the old file is complete, or the next sync fills an empty file."""

import os
import sqlite3
from pathlib import Path
from typing import Any

from samenspel.client.replica import ReplicaStore

from tests.support.lane_owner import Owner, reading_of
from tests.support.replicas import content, sync

KILLED = 9


class DyingConnection:
    """A connection in a process that dies before its n-th statement, without any clean-up."""

    def __init__(self, connection: sqlite3.Connection, statements: int) -> None:
        self._connection = connection
        self._statements = statements

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, *statement: Any) -> sqlite3.Cursor:
        if self._statements == 0:
            os._exit(KILLED)
        self._statements -= 1
        return self._connection.execute(*statement)


def published(*subjects: str) -> Owner:
    owner = Owner()
    for subject in subjects:
        owner.publish(subject)
    return owner


def rebuild_until(statements: int, file: Path, owner: Owner) -> bool:
    """Rebuild in a process that dies before this statement; whether the rebuild ended before its death."""
    process = os.fork()
    if process == 0:
        with ReplicaStore(file, create=True) as store:
            store._connection = DyingConnection(store._connection, statements)  # type: ignore[assignment]
            reading_of(store, owner, rebuild=True).run(False, lambda done, total: None)
            store.finish()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0


def test_rebuild_may_be_killed_at_any_moment(tmp_path: Path) -> None:
    file, owner, successor = tmp_path / "r.db", published("a", "b", "a"), published("x", "y")
    kept = emptied = 0
    ended, statements = False, 0
    while not ended:
        file.unlink(missing_ok=True)
        with ReplicaStore(file, create=True) as store:
            sync(store, owner)
            store.finish()
            before = content(store)
        ended = rebuild_until(statements, file, successor)
        with ReplicaStore(file, create=True) as store:
            is_old = content(store) == before
            kept, emptied = kept + is_old, emptied + (not is_old)
            _, report = sync(store, owner if is_old else successor)
            assert report.sequence == (3 if is_old else 2)
        statements += 1
    assert kept > 5
    assert emptied > 5
