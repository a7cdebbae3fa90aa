"""Statements that write the tables of the current state from events of the log.

The same statements serve the file (`current_state`), a past moment (`moment`) and the proof (`verify_tables`). A
value is read as SQLite reads JSON. Data that is no JSON gives a row with the key alone, so no aggregate is missing in
its table. Every name in a statement comes from the catalogue.

An event changes few fields. A row is therefore updated in place, without the columns of indexes and without lists,
unless these differ from the state before: each page of an index that stays as it is saves a write of 16 KB.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final

from samenspel.client.replica.table_definitions import OTHER, Schema, indexes_of
from samenspel.client.replica.tables import TABLES, ListTable, StateTable, TableColumn, Total
from samenspel.contracts.values import CENTS_MAX

FROM_CURRENT: Final = "select number from temp.current_event where aggregate = :aggregate"
"""The last events of one kind. Table ``current_event`` has aggregate and number."""
FROM_NUMBERS: Final = "select value from json_each(:numbers)"
"""Events given as a JSON array of numbers."""
_DATA: Final = "case when typeof({0}.value) = 'text' and json_valid({0}.value) then {0}.value else '{{}}' end"
_OBJECT: Final = "case when j.type = 'object' then j.value end"
_PRESENT: Final = "e.number in ({numbers}) and e.hash <> zeroblob(32)"


def save_statement(schema: Schema, aggregate: str, numbers: str) -> str:
    """Insert the rows of these events, or update them in place except for the columns of indexes.

    The tables of lists are written first: totals are read from them.
    """
    present = _PRESENT.format(numbers=numbers)
    table = TABLES.get(aggregate)
    if table is None:
        return (
            f"insert or replace into {schema}.{OTHER} select e.aggregate, e.subject, e.time, e.number "
            f"from main.event e where {present}"
        )
    values = ", ".join(_values(schema, table).values())
    in_place = [name for name in table.column_names if name not in (table.key, *indexed_columns(table))]
    return (
        f"insert into {schema}.{table.name} select e.subject, {values}, e.time, e.number "
        f"from (select *, {_DATA.format('e')} as data from main.event e where {present}) e where true "
        f"on conflict do update set {', '.join(f'{name} = excluded.{name}' for name in in_place)}"
    )


def save_indexed_statement(table: StateTable) -> str:
    """Update the columns of indexes, for the events ``:numbers``."""
    columns = indexed_columns(table)
    values = _values("main", table)
    return (
        f"update main.{table.name} as t set {', '.join(f'{name} = {values[name]}' for name in columns)} "
        f"from (select *, {_DATA.format('e')} as data from main.event e "
        f"where {_PRESENT.format(numbers=FROM_NUMBERS)}) e "
        f"where t.{table.key} = e.subject"
    )


def save_list_statement(schema: Schema, table: ListTable, numbers: str) -> str:
    """Insert the items of one list of these events."""
    values = ", ".join(_item(column) for column in table.columns)
    return (
        f"insert into {schema}.{table.name} select e.subject, j.key + 1, {values} "
        f"from main.event e cross join json_each({_DATA.format('e')}, '{_path(table.path)}') j "
        f"where {_PRESENT.format(numbers=numbers)} and typeof(j.key) = 'integer' order by 1, 2"
    )


def delete_list_statement(table: ListTable) -> str:
    """Delete the items of one list of the aggregates of the events ``:numbers``."""
    return (
        f"delete from main.{table.name} where {table.key} in "
        f"(select subject from main.event where number in ({FROM_NUMBERS}))"
    )


def delete_statements(aggregate: str) -> list[str]:
    """Remove an aggregate, by ``:aggregate`` and ``:subject``."""
    table = TABLES.get(aggregate)
    if table is None:
        return [f"delete from main.{OTHER} where (aggregate, subject) = (:aggregate, :subject)"]
    tables: list[StateTable | ListTable] = [table, *table.lists]
    return [f"delete from main.{each.name} where {each.key} = :subject" for each in tables]


def rows_apart_statement(name: str, columns: Sequence[str], this: Schema, other: Schema) -> str:
    """Rows that the table has in one schema and not in the other."""
    listed = ", ".join(columns)
    return f"select {listed} from {this}.{name} except select {listed} from {other}.{name}"


@cache
def changes_statement(table: StateTable) -> str:
    """Number of each event of ``:numbers``; whether a column of an index changes; whether each list changes.

    The state before is the event that the row of the table names. For a new row only the lists change.
    """
    fields = {column.name: f"t.{column.name} is not n.data ->> '{_path(column.path)}'" for column in table.columns}
    differs = {each.path: _list_differs(each) for each in table.lists}
    fields |= {total.name: differs[total.path] for total in table.totals}
    columns = " or ".join(fields[name] for name in indexed_columns(table)) or "false"
    lists = "".join(f", {each}" for each in differs.values())
    return (
        f"select n.number, t.{table.key} is not null and ({columns}){lists} "
        f"from (select *, {_DATA.format('e')} as data from main.event e where e.number in ({FROM_NUMBERS})) n "
        f"left join main.{table.name} t on t.{table.key} = n.subject "
        f"left join (select *, {_DATA.format('o')} as data from main.event o) b on b.number = t.number"
    )


def _list_differs(table: ListTable) -> str:
    """Whether a list differs between the event ``n`` and the event ``b`` before."""
    return f"(b.number is null or n.data -> '{_path(table.path)}' is not b.data -> '{_path(table.path)}')"


def indexed_columns(table: StateTable) -> list[str]:
    """Columns that an index has, besides the key."""
    return sorted({name for columns in indexes_of(table) for name in columns} - {table.key})


def _values(schema: Schema, table: StateTable) -> dict[str, str]:
    """Expression of each column, over a row ``e`` of table ``event`` with the column ``data``."""
    fields = {column.name: f"e.data ->> '{_path(column.path)}'" for column in table.columns}
    return fields | {total.name: _sum(schema, table, total) for total in table.totals}


def _path(path: Iterable[str]) -> str:
    return "$." + ".".join(path)


def _item(column: TableColumn) -> str:
    """A value of one item; null when the item is no object."""
    return f"{_OBJECT} ->> '{_path(column.path)}'" if column.path else "j.value"


def _sum(schema: Schema, table: StateTable, total: Total) -> str:
    """Sum of the amounts in a list, read from its table. Amounts above the limit are left out: no sum overflows."""
    (each,) = [one for one in table.lists if one.path == total.path]
    return (
        f"(select sum(i.{total.field}) from {schema}.{each.name} i where i.{each.key} = e.subject "
        f"and i.{total.field} between -{CENTS_MAX} and {CENTS_MAX})"
    )
