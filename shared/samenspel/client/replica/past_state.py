"""Tables of the current state beside the tables of the file: for a past moment, and for the proof.

The tables are temporary: they live in the transaction of a snapshot, and take precedence over the tables of the file
with the same names. Plain SQL over tables and views therefore answers for the moment without a change.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from samenspel.client.replica.connection import ReplicaError
from samenspel.client.replica.current_state import CURRENT_EVENTS, fill_tables, insert_current
from samenspel.client.replica.moment import NUMBER_OF_POSITION, PastMoment
from samenspel.client.replica.table_definitions import index_definitions, table_definitions, view_definitions

AggregateEvent = tuple[str, int]
"""Aggregate name, and the number of the last event of one such aggregate."""
_INSERT: Final = "insert into temp.current_event values (?, ?)"
_VALUE: Final = """
select value, hash from main.event where aggregate = ? and subject = ? and {condition} order by number desc limit 1
"""
_REMOVED: Final = bytes(32)


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """All reads see the same commit, and temporary tables last until the end."""
    connection.execute("begin")
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("rollback")


def show_events(connection: sqlite3.Connection, events: Iterable[AggregateEvent]) -> None:
    """Temporary tables with the state after these events; in a snapshot."""
    with _writing(connection):
        _define(connection)
        connection.execute(CURRENT_EVENTS)
        connection.executemany(_INSERT, events)
        insert_current(connection, "temp")


def show_moment(connection: sqlite3.Connection, moment: PastMoment) -> None:
    """Temporary tables and views with the state at the moment; in a snapshot. Raises ReplicaError."""
    _require_position(connection, moment)
    with _writing(connection):
        _define(connection)
        fill_tables(connection, "temp", f"where {moment.condition}", *moment.values)
        for statement in (*index_definitions("temp"), *view_definitions("temp")):
            connection.execute(statement)


def value_at(connection: sqlite3.Connection, aggregate: str, subject: str, moment: PastMoment) -> str | bytes | None:
    """Public state of one aggregate at the moment; None when there was none. Reads the index of the log alone."""
    sql = _VALUE.format(condition=moment.condition)
    row = connection.execute(sql, (aggregate, subject, *moment.values)).fetchone()
    return row[0] if row and row[1] != _REMOVED else None


def _require_position(connection: sqlite3.Connection, moment: PastMoment) -> None:
    if moment.is_position and connection.execute(NUMBER_OF_POSITION, moment.values).fetchone() is None:
        raise ReplicaError("the file has no event {1} of lane {0}".format(*moment.values))


def _define(connection: sqlite3.Connection) -> None:
    for statement in table_definitions("temp"):
        connection.execute(statement)


@contextmanager
def _writing(connection: sqlite3.Connection) -> Iterator[None]:
    """Allow writing of temporary tables on a connection that only reads."""
    (only_reads,) = connection.execute("pragma query_only").fetchone()
    connection.execute("pragma query_only = off")
    try:
        yield
    finally:
        connection.execute(f"pragma query_only = {only_reads}")
