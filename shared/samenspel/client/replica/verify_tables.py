"""Proof of the tables of the current state: fills the tables anew from the log, and compares every row and column.

The numbers of the last events come from `verify`, which has recomputed the log; no stored table or index is believed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from samenspel.client.replica.past_state import AggregateEvent
from samenspel.client.replica.store import ReplicaStore
from samenspel.client.replica.table_definitions import OTHER, Schema
from samenspel.client.replica.table_statements import rows_apart_statement
from samenspel.client.replica.tables import TABLES

TABLE_FAULTS_MAX: Final = 100
_OTHER_COLUMNS: Final = ("aggregate", "subject", "changed_at", "number")


@dataclass(frozen=True, slots=True)
class TableFault:
    """A difference between a table and the log. ``key`` names the row; a whole row or table has no ``column``."""

    table: str
    key: str
    column: str
    what: str

    def __str__(self) -> str:
        place = " ".join(part for part in (self.table, self.key, self.column) if part)
        return f"table {place}: {self.what}"


def compare_tables(store: ReplicaStore, last: Iterable[AggregateEvent]) -> list[TableFault]:
    """Differences between the tables and the state after the ``last`` event of each aggregate; in a snapshot.

    Returns at most TABLE_FAULTS_MAX differences. Tables of another form are not read further.
    """
    if changed := store.differences():
        return [TableFault(name, "", "", "is missing, or has another form than in this version") for name in changed]
    faults: list[TableFault] = []
    store.show_events(last)
    for name, key, columns in _tables():
        for fault in _differences(store, name, key, columns):
            faults.append(fault)
            if len(faults) == TABLE_FAULTS_MAX:
                return faults
    return faults


def _tables() -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Name, key and columns of each table."""
    for table in TABLES.values():
        yield table.name, (table.key,), table.column_names
        for each in table.lists:
            yield each.name, (each.key, "position"), each.column_names
    yield OTHER, ("aggregate", "subject"), _OTHER_COLUMNS


def _differences(
    store: ReplicaStore, name: str, key: tuple[str, ...], columns: tuple[str, ...]
) -> Iterator[TableFault]:
    """Rows that are missing, that the log does not have, and columns that differ."""
    both = _rows(store, name, columns, "temp", "main"), _rows(store, name, columns, "main", "temp")
    expected, found = ({row[: len(key)]: row for row in rows} for rows in both)
    for at in sorted(expected.keys() | found.keys(), key=str):
        shown = " ".join(str(part) for part in at)
        if at not in found:
            yield TableFault(name, shown, "", "the row is missing")
        elif at not in expected:
            yield TableFault(name, shown, "", "the log has no such row")
        else:
            for column, published, kept in zip(columns, expected[at], found[at], strict=True):
                if published != kept:
                    yield TableFault(name, shown, column, "differs from the log")


def _rows(
    store: ReplicaStore, name: str, columns: tuple[str, ...], this: Schema, other: Schema
) -> Iterator[tuple[Any, ...]]:
    """Rows of one schema that the other schema does not have."""
    return store.query(rows_apart_statement(name, columns, this, other))
