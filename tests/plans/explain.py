"""Plans of statements on a history, with parameters of the history."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import orjson
from samenspel.runtime.postgres import Connection

from tests.plans.parameters import PAGE, Columns, groups_of, limits_of, query_of
from tests.plans.samples import SAMPLES

Plan = dict[str, Any]
Mode = Literal["generic", "custom"]
MODES: Final[tuple[Mode, ...]] = get_args(Mode)
"""PostgreSQL plans a prepared statement for its parameters, and from the sixth execution for any parameters."""
FORGET_ROWS: Final = """
select pg_restore_relation_stats('schemaname', current_schema()::text, 'relname', $1::text,
                                 'relpages', 0, 'reltuples', 0::real, 'relallvisible', 0)
"""
FORGET_VALUES: Final = """
select pg_clear_attribute_stats(current_schema()::text, $1::text, a.attname::text, false)
from pg_attribute a where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped
"""
COLUMNS: Final = """
select c.table_name as table, array_agg(c.column_name::text) as columns, array(
  select a.attname::text from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
  where i.indrelid = c.table_name::regclass and i.indisunique and i.indexrelid::regclass::text like '%pkey') as keys
from information_schema.columns c where c.table_schema = current_schema() group by c.table_name
"""


class SampleMissing(Exception):
    """No values for some parameters of a statement."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A prepared statement with one set of parameters; ``execute`` is the text that executes the statement."""

    statement: str
    number: int
    execute: str

    def __str__(self) -> str:
        return self.statement if self.number == 1 else f"{self.statement} (sample {self.number})"


@dataclass(frozen=True, slots=True)
class Samples:
    """Prepares statements, with parameters of the history of the connection."""

    connection: Connection
    columns: Columns

    @classmethod
    async def of(cls, connection: Connection) -> "Samples":
        rows = await connection.fetch(COLUMNS)
        columns = {row["table"]: set(row["columns"]) for row in rows}
        return cls(connection, Columns(columns, {row["table"]: set(row["keys"]) for row in rows}))

    async def prepared(self, name: str, statement: str) -> AsyncIterator[Sample]:
        """The samples of a statement. Raises `SampleMissing`."""
        prepared = await self.connection.prepare(statement)
        types = [each.name for each in prepared.get_parameters()]
        derived = await self._derived(statement, types)
        for number, given in enumerate(SAMPLES.get(name, [{}]), 1):
            values = derived | await self._evaluated(given, types)
            _require_all(name, values, types)
            literals = [_literal(values[index], kind) for index, kind in enumerate(types, 1)]
            yield Sample(
                name, number, f"execute {prepared.get_name()}" + (f"({', '.join(literals)})" if types else "")
            )

    async def _derived(self, statement: str, types: Sequence[str]) -> dict[int, str | None]:
        found: dict[int, str | None] = dict.fromkeys(limits_of(statement), str(PAGE))
        for group in groups_of(statement):
            row = await self.connection.fetchrow(query_of(group, statement, types, self.columns))
            found |= dict(zip(group.columns, row or (), strict=False))
        return found

    async def _evaluated(self, given: Mapping[int, str], types: Sequence[str]) -> dict[int, str | None]:
        if not given:
            return {}
        values = ", ".join(f"({expression})::{types[number - 1]}::text" for number, expression in given.items())
        row = await self.connection.fetchrow(f"select {values}")
        assert row is not None
        return dict(zip(given, row, strict=True))


def _require_all(name: str, values: Mapping[int, str | None], types: Sequence[str]) -> None:
    if missing := sorted(set(range(1, len(types) + 1)) - values.keys()):
        numbers = ", ".join(f"${number} ({types[number - 1]})" for number in missing)
        raise SampleMissing(
            f"{name}: the text does not tell the column of {numbers}; add an SQL expression for each to `SAMPLES` "
            "in tests/plans/samples.py"
        )


def _literal(value: str | None, type_name: str) -> str:
    return f"null::{type_name}" if value is None else "'" + value.replace("'", "''") + f"'::{type_name}"


async def plan_of(connection: Connection, sample: Sample, mode: Mode, options: str = "format json") -> Plan:
    await connection.execute(f"set plan_cache_mode = force_{mode}_plan")
    [explained] = orjson.loads(await connection.fetchval(f"explain ({options}) {sample.execute}"))
    plan: Plan = explained["Plan"]
    return plan


async def execute(connection: Connection, sample: Sample, mode: Mode) -> Plan:
    """The plan with the rows of an execution, which is rolled back."""
    trial = connection.transaction()
    await trial.start()
    try:
        return await plan_of(connection, sample, mode, "analyze, buffers, timing off, format json")
    finally:
        await trial.rollback()


@asynccontextmanager
async def empty_statistics(connection: Connection, names: Sequence[str]) -> AsyncIterator[None]:
    """The statistics of empty tables, as of a queue that was just filled; the former statistics come back."""
    trial = connection.transaction()
    await trial.start()
    try:
        for name in names:
            await connection.execute(FORGET_ROWS, name)
            await connection.execute(FORGET_VALUES, name)
        yield
    finally:
        await trial.rollback()
