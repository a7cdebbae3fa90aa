"""Definitions of the current state in SQL: tables, indexes and views, and the province of each municipality.

The schema is ``main`` for the file, and ``temp`` for the state at a past moment and for the proof.
"""

from collections.abc import Iterator, Mapping
from csv import reader
from importlib.resources import files
from typing import Final, Literal

from samenspel.client.replica.tables import ITEM, TABLES, ListTable, StateTable

Schema = Literal["main", "temp"]
OTHER: Final = "other_aggregate"
"""Table with the aggregates of kinds that this version does not know; their data is in the log alone."""
SUBJECT_INDEX: Final = "create index main.event_subject on event (aggregate, subject, number, time)"
"""Index of the log for the current state and for any past moment; made when the tables are filled."""
COVERING: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "organisation_v1_memberships": (("network", "oin"),),
    "initiative_v1": (("theme", "phase", "estimated_costs_amount_cents"),),
    "initiative_v1_partners": ((ITEM, "initiative_id"),),
    "rollout_v1": (("initiative_id", "adopter", "latest_milestone"), ("adopter", "initiative_id")),
    "rollout_v1_milestones": (("status", "planned_on", "milestone"),),
    "application_v1": (("programme_id", "status", "decision_granted_cents"),),
}
"""Indexes that have every column of a frequent question, besides one index for each reference."""
_OTHER_TABLE: Final = (
    f"create table {{schema}}.{OTHER} (aggregate text not null, subject text not null, changed_at text not null, "
    "number integer not null, primary key (aggregate, subject)) without rowid"
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
            for columns in indexes_of(each):
                name = "_".join((each.name, "by", columns[0]))
                yield f"create index {schema}.{name} on {each.name} ({', '.join(columns)})"


def indexes_of(table: StateTable | ListTable) -> list[tuple[str, ...]]:
    """Columns of each index: the covering indexes, and one for each reference that begins no covering index."""
    covering = COVERING.get(table.name, ())
    first = {columns[0] for columns in covering}
    references = [column.name for column in table.columns if column.is_reference]
    return [*covering, *((name,) for name in references if name not in first)]


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
    """CBS code and province of each municipality in order of the code, from ``provinces.csv``."""
    lines = (files(__package__) / "provinces.csv").read_text(encoding="utf-8").splitlines()
    rows = list(reader(line for line in lines if not line.startswith("#")))
    return sorted((code, province) for province, codes in rows[1:] for code in codes.split())


def _state_table(schema: Schema, table: StateTable) -> str:
    columns = [f"{each.name} {each.type}" for each in table.columns]
    columns += [f"{each.name} integer" for each in table.totals]
    key = f"{table.key} text not null primary key"
    lines = [key, *columns, "changed_at text not null", "number integer not null"]
    return f"create table {schema}.{table.name} ({', '.join(lines)})"


def _list_table(schema: Schema, table: ListTable) -> str:
    columns = [f"{each.name} {each.type}" for each in table.columns]
    lines = [f"{table.key} text not null", "position integer not null", *columns]
    key = f"primary key ({table.key}, position)"
    return f"create table {schema}.{table.name} ({', '.join(lines)}, {key}) without rowid"
