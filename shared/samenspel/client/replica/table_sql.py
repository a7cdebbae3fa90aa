"""SQL of the tables of the current state: definitions, and the statements that fill the tables from the event log.

The same statements serve the file (`current_state`), a past moment (`moment`) and the proof (`verify_tables`). A
value is read as SQLite reads JSON. Data that is no JSON gives a row with the key alone, so no aggregate is missing in
its table. Every name in a statement comes from the catalogue.
"""

from collections.abc import Iterator, Mapping
from csv import reader
from importlib.resources import files
from itertools import chain
from typing import Final, Literal

from samenspel.client.replica.tables import ITEM, TABLES, ListTable, StateTable, TableColumn, Total
from samenspel.contracts.values import CENTS_MAX

Schema = Literal["main", "temp"]
OTHER: Final = "other_aggregate"
"""Table with the aggregates of kinds that this version does not know; their data is in the log alone."""
CURRENT_EVENTS: Final = (
    "create temp table current_event (aggregate, number, primary key (aggregate, number)) without rowid"
)
"""Numbers of the last events of all aggregates, the input of `FROM_CURRENT`."""
FROM_CURRENT: Final = "select number from temp.current_event where aggregate = :aggregate"
FROM_NUMBERS: Final = "select value from json_each(:numbers)"
COVERING: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "organisation_v1": (("cbs_code", "oin", "name"),),
    "organisation_v1_memberships": (("network", "oin"),),
    "initiative_v1": (("theme", "phase", "estimated_costs_amount_cents"),),
    "initiative_v1_partners": ((ITEM, "initiative_id"),),
    "rollout_v1": (("initiative_id", "adopter", "latest_milestone"), ("adopter", "initiative_id")),
    "rollout_v1_milestones": (("status", "planned_on", "milestone"),),
    "application_v1": (("programme_id", "status", "decision_granted_cents"),),
}
"""Indexes that have every column of a frequent question, besides those of references."""
_DATA: Final = "case when typeof(e.value) = 'text' and json_valid(e.value) then e.value else '{}' end"
_OBJECT: Final = "case when j.type = 'object' then j.value end"
_PRESENT: Final = "e.number in ({numbers}) and e.hash <> zeroblob(32)"
_OTHER_TABLE: Final = (
    f"create table {{schema}}.{OTHER} (aggregate text not null, subject text not null, number integer not null, "
    "changed_at text not null, primary key (aggregate, subject)) without rowid"
)
_MUNICIPALITIES: Final = (
    "create table main.municipality (cbs_code text not null primary key, province text not null) without rowid"
)


def table_definitions(schema: Schema) -> Iterator[str]:
    """Tables without indexes, besides the tables of the log."""
    for table in TABLES.values():
        yield _state_table(schema, table)
        for each in table.lists:
            yield _list_table(schema, each)
    yield _OTHER_TABLE.format(schema=schema)
    if schema == "main":
        yield _MUNICIPALITIES


def index_definitions(schema: Schema) -> Iterator[str]:
    """Indexes; creating an index after the rows is cheaper."""
    for table in TABLES.values():
        tables: list[StateTable | ListTable] = [table, *table.lists]
        for each in tables:
            covering = COVERING.get(each.name, ())
            first = {columns[0] for columns in covering}
            references = [(one.name,) for one in each.columns if one.is_reference and one.name not in first]
            for columns in (*covering, *references):
                name = "_".join((each.name, "by", columns[0]))
                yield f"create index {schema}.{name} on {each.name} ({', '.join(columns)})"


def view_definitions(schema: Schema) -> Iterator[str]:
    """The view ``aggregate`` of all kinds, and the views of ``views.sql``."""
    arms = [
        f"select '{name}' as aggregate, {table.key} as subject, number from {table.name}"
        for name, table in TABLES.items()
    ]
    arms.append(f"select aggregate, subject, number from {OTHER}")
    yield (
        f"create view {schema}.aggregate as select s.aggregate, s.subject, e.lane, e.value, e.hash, "
        "e.id as last_event, e.type as last_type, e.sequence, e.time as changed_at, s.number\n"
        f"from ({' union all '.join(arms)}) s cross join event e on e.number = s.number"
    )
    for statement in (files(__package__) / "views.sql").read_text(encoding="utf-8").split(";\n"):
        if definition := statement.strip():
            yield definition.replace("create view ", f"create view {schema}.", 1)


def municipalities() -> list[tuple[str, str]]:
    """CBS code and province of each municipality, from ``provinces.csv``."""
    lines = (files(__package__) / "provinces.csv").read_text(encoding="utf-8").splitlines()
    rows = list(reader(line for line in lines if not line.startswith("#")))
    return [(code, province) for province, codes in rows[1:] for code in codes.split()]


def insert_statements(schema: Schema, aggregate: str, numbers: str) -> Iterator[str]:
    """Statements that insert the rows of the events with these ``numbers``, all of one kind; lists come first."""
    present = _PRESENT.format(numbers=numbers)
    table = TABLES.get(aggregate)
    if table is None:
        yield (
            f"insert or replace into {schema}.{OTHER} select e.aggregate, e.subject, e.number, e.time "
            f"from main.event e where {present}"
        )
        return
    for each in table.lists:
        values = ", ".join(_item(column) for column in each.columns)
        yield (
            f"insert into {schema}.{each.name} select e.subject, j.key + 1, {values} "
            f"from main.event e cross join json_each({_DATA}, '{_path(each.path)}') j "
            f"where {present} and typeof(j.key) = 'integer' order by 1, 2"
        )
    values = ", ".join(chain(map(_field, table.columns), (_sum(schema, table, total) for total in table.totals)))
    yield (
        f"insert or replace into {schema}.{table.name} select e.number, e.subject, {values}, e.time "
        f"from (select *, {_DATA} as data from main.event e where {present}) e"
    )


def delete_statements(aggregate: str, *, lists: bool) -> Iterator[str]:
    """Statements that remove the ``lists`` or the rows of aggregates of one kind, by ``:aggregate``, ``:subject``."""
    table = TABLES.get(aggregate)
    if lists:
        for each in table.lists if table else ():
            yield f"delete from main.{each.name} where {each.key} = :subject"
    elif table:
        yield f"delete from main.{table.name} where {table.key} = :subject"
    else:
        yield f"delete from main.{OTHER} where (aggregate, subject) = (:aggregate, :subject)"


def _state_table(schema: Schema, table: StateTable) -> str:
    columns = [f"{each.name} {each.type}" for each in table.columns]
    columns += [f"{each.name} integer" for each in table.totals]
    lines = ["number integer primary key", f"{table.key} text not null unique", *columns, "changed_at text not null"]
    return f"create table {schema}.{table.name} ({', '.join(lines)})"


def _list_table(schema: Schema, table: ListTable) -> str:
    columns = [f"{each.name} {each.type}" for each in table.columns]
    lines = [
        f"{table.key} text not null",
        "position integer not null",
        *columns,
        f"primary key ({table.key}, position)",
    ]
    return f"create table {schema}.{table.name} ({', '.join(lines)}) without rowid"


def _path(path: tuple[str, ...]) -> str:
    return "$." + ".".join(path)


def _field(column: TableColumn) -> str:
    return f"e.data ->> '{_path(column.path)}'"


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
