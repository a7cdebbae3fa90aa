"""The current state in a replica file: tables with real columns, written in the transaction of the event.

The tables are *filled* from the end of the first sync on; until then they are empty. Table ``state_position`` has
the number of the last event in the tables, and no row before the tables are filled. A commit, a rebuild and an
upgrade each change log, tables and number in one transaction: after a crash the tables equal the log, or are empty.
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final

from samenspel.client.replica.connection import ReplicaError
from samenspel.client.replica.table_definitions import (
    SUBJECT_INDEX,
    Schema,
    index_definitions,
    municipalities,
    table_definitions,
    view_definitions,
)
from samenspel.client.replica.table_statements import (
    FROM_CURRENT,
    FROM_NUMBERS,
    changes_statement,
    delete_list_statement,
    delete_statements,
    save_indexed_statement,
    save_list_statement,
    save_statement,
)
from samenspel.client.replica.tables import TABLES, StateTable
from samenspel.contracts.digest import REMOVED

AggregateKey = tuple[str, str]
"""Aggregate name and subject."""
Definitions = dict[str, tuple[str, str]]
"""Type and SQL of tables, indexes and views, by name."""
AGGREGATE: Final = 5
SUBJECT: Final = 6
HASH: Final = 12
"""Places in a row of table ``event`` without its number."""
CURRENT_EVENTS: Final = (
    "create temp table current_event (aggregate, number, primary key (aggregate, number)) without rowid"
)
"""Numbers of the last events of all aggregates."""
NUMBERS: Final = """
insert into temp.current_event select aggregate, max(number) from main.event {condition} group by aggregate, subject
"""
_DEFINED: Final = "select name, type, sql from main.sqlite_master where sql is not null"
_POSITION: Final = "select number from main.state_position"
_LAST: Final = "select coalesce(max(number), 0) from main.event"
_LAST_OF: Final = """
select case when hash <> zeroblob(32) then number end from main.event
where aggregate = ? and subject = ? order by number desc limit 1
"""
_OWN: Final = "create table if not exists main.state_object (name text primary key, type text not null) without rowid"
_POSITION_TABLE: Final = "create table if not exists main.state_position (number integer not null)"


class CurrentState:
    """The tables of one file. Every method that writes runs inside a transaction of the caller."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def position(self) -> int | None:
        """Number of the last event in the tables; None while they are not filled."""
        try:
            row = self._connection.execute(_POSITION).fetchone()
        except sqlite3.OperationalError:
            if "state_position" in self._there():
                raise
            return None
        return row[0] if row else None

    def is_filled(self) -> bool:
        return self.position() is not None

    def is_damaged(self) -> bool:
        """Whether another version of the program has defined the tables, or has written events without the tables."""
        return self.differences() != [] or self.position() not in (None, self._last_number())

    def differences(self) -> list[str]:
        """Names of tables, indexes and views that this version defines and the file does not have in this form."""
        there = self._there()
        is_filled = self.is_filled()
        expected = {name: each for name, each in _definitions().items() if is_filled or each[0] != "index"}
        missing = [name for name, definition in expected.items() if there.get(name) != definition]
        if "municipality" not in missing and self._municipalities() != municipalities():
            missing.append("municipality")
        return sorted(missing)

    def apply(self, rows: Sequence[tuple[Any, ...]], before: int) -> None:
        """Write the state after these events, which have the numbers after ``before``.

        Tables that miss an earlier event are filled from the log: a program that does not know the tables wrote it.
        """
        position = self.position()
        if position is None:
            return
        if position != before:
            self.fill()
            return
        last = {(row[AGGREGATE], row[SUBJECT]): index for index, row in enumerate(rows)}
        removed = REMOVED.to_bytes(32, "big")
        self._write(
            {key: None if rows[index][HASH] == removed else before + 1 + index for key, index in last.items()}
        )
        self._save_position(before + len(rows))

    def refresh(self, keys: Iterable[AggregateKey]) -> None:
        """Write the state of these aggregates anew, after events were deleted from the log."""
        if not self.is_filled():
            return
        self._write({key: self._last_of(key) for key in keys})
        self._save_position(self._last_number())

    def fill(self) -> None:
        """Define the tables and fill them from the log. Raises ReplicaError for a name that is in use."""
        self.define()
        self._connection.execute(SUBJECT_INDEX)
        fill_tables(self._connection, "main")
        for statement in index_definitions("main"):
            self._connection.execute(statement)
        self._save_position(self._last_number())

    def define(self) -> None:
        """Empty tables and views in the form of this version. Raises ReplicaError for a name that is in use."""
        execute = self._connection.execute
        execute(_OWN)
        execute(_POSITION_TABLE)
        execute("delete from main.state_position")
        for name, type_ in self._own_objects().items():
            execute(f'drop {type_} if exists main."{name}"')
        execute("delete from main.state_object")
        execute("drop index if exists main.event_subject")
        self._require_free_names()
        for statement in (*table_definitions("main"), *view_definitions("main")):
            execute(statement)
        self._connection.executemany("insert into main.municipality values (?, ?)", municipalities())
        self._connection.executemany("insert into main.state_object values (?, ?)", _objects().items())

    def _write(self, numbers: dict[AggregateKey, int | None]) -> None:
        """Replace the rows of these aggregates by the state after the event with the number; None removes."""
        by_kind: dict[str, dict[str, int | None]] = {}
        for (aggregate, subject), number in numbers.items():
            by_kind.setdefault(aggregate, {})[subject] = number
        for aggregate, subjects in by_kind.items():
            removed = [subject for subject, number in subjects.items() if number is None]
            for statement in delete_statements(aggregate):
                self._connection.executemany(
                    statement, [{"aggregate": aggregate, "subject": each} for each in removed]
                )
            self._save(aggregate, [number for number in subjects.values() if number is not None])

    def _save(self, aggregate: str, numbers: Sequence[int]) -> None:
        """Write the rows of these events, which are of one kind and of different aggregates."""
        if table := TABLES.get(aggregate):
            indexed, in_lists = self._changes(table, numbers)
            for each, changed in zip(table.lists, in_lists, strict=True):
                self._execute_for(changed, delete_list_statement(each))
                self._execute_for(changed, save_list_statement("main", each, FROM_NUMBERS))
        self._execute_for(numbers, save_statement("main", aggregate, FROM_NUMBERS))
        if table:
            self._execute_for(indexed, save_indexed_statement(table))

    def _changes(self, table: StateTable, numbers: Sequence[int]) -> tuple[set[int], list[list[int]]]:
        """Events that change a column of an index, and for each list the events that change the list."""
        rows = self._connection.execute(changes_statement(table), {"numbers": json.dumps(numbers)}).fetchall()
        in_lists = [[row[0] for row in rows if row[2 + place]] for place in range(len(table.lists))]
        indexed = {row[0] for row in rows if row[1]}
        return indexed, in_lists

    def _execute_for(self, numbers: Iterable[int], statement: str) -> None:
        if given := list(numbers):
            self._connection.execute(statement, {"numbers": json.dumps(given)})

    def _save_position(self, number: int) -> None:
        self._connection.execute("delete from main.state_position")
        self._connection.execute("insert into main.state_position values (?)", (number,))

    def _last_of(self, key: AggregateKey) -> int | None:
        """Number of the last event of an aggregate; None when it is removed, or has no event."""
        row = self._connection.execute(_LAST_OF, key).fetchone()
        return row[0] if row else None

    def _last_number(self) -> int:
        number: int = self._connection.execute(_LAST).fetchone()[0]
        return number

    def _municipalities(self) -> list[tuple[str, str]]:
        rows = self._connection.execute("select cbs_code, province from main.municipality order by cbs_code")
        return [*rows]

    def _there(self) -> Definitions:
        return {name: (type_, sql) for name, type_, sql in self._connection.execute(_DEFINED)}

    def _own_objects(self) -> dict[str, str]:
        """Type of each table and view in the file that a version of this program has defined, by name."""
        there = self._there()
        own = self._connection.execute("select name, type from main.state_object").fetchall()
        same_type = {name: type_ for name, type_ in own if name in there and there[name][0] == type_}
        return same_type | {
            name: type_ for name, type_ in _objects().items() if there.get(name) == _definitions()[name]
        }

    def _require_free_names(self) -> None:
        if taken := sorted(self._there().keys() & _objects().keys()):
            raise ReplicaError(f"the file has a table or view of your own with the name {taken[0]}: rename it")


def fill_tables(connection: sqlite3.Connection, schema: Schema, condition: str = "", *values: Any) -> None:
    """Fill empty tables with the state after the last event of each aggregate, of the events under ``condition``."""
    connection.execute("drop table if exists temp.current_event")
    connection.execute(CURRENT_EVENTS)
    connection.execute(NUMBERS.format(condition=condition), values)
    insert_current(connection, schema)
    connection.execute("drop table temp.current_event")


def insert_current(connection: sqlite3.Connection, schema: Schema) -> None:
    """Insert the rows of the events in table ``current_event``."""
    kinds = [kind for (kind,) in connection.execute("select distinct aggregate from temp.current_event")]
    for aggregate in kinds:
        lists = TABLES[aggregate].lists if aggregate in TABLES else ()
        for each in lists:
            connection.execute(save_list_statement(schema, each, FROM_CURRENT), {"aggregate": aggregate})
        connection.execute(save_statement(schema, aggregate, FROM_CURRENT), {"aggregate": aggregate})


@cache
def _definitions() -> Definitions:
    """Tables, indexes and views of this version besides the log, in the form in which SQLite keeps the SQL."""
    with sqlite3.connect(":memory:") as memory:
        memory.executescript((files(__package__) / "schema.sql").read_text(encoding="utf-8"))
        log = {name for name, _, _ in memory.execute(_DEFINED)}
        for statement in (
            _OWN,
            _POSITION_TABLE,
            SUBJECT_INDEX,
            *table_definitions("main"),
            *index_definitions("main"),
            *view_definitions("main"),
        ):
            memory.execute(statement)
        return {name: (type_, sql) for name, type_, sql in memory.execute(_DEFINED) if name not in log}


def _objects() -> dict[str, str]:
    """Type of each table and view of the current state, by name; an index goes with its table."""
    return {
        name: type_
        for name, (type_, _) in _definitions().items()
        if type_ != "index" and name not in ("state_object", "state_position")
    }
