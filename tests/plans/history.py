"""A schema with the tables of all services and a long history, made by PostgreSQL and dropped at the end."""

import asyncio
import os
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

import asyncpg
from samenspel.runtime.migrations import migrate, migrations_of
from samenspel.runtime.postgres import Connection

from tests.mutants.server import VARIABLE
from tests.plans.fill import FILLS, FUNCTIONS, NOT_FILLED
from tests.plans.rules import LARGE
from tests.plans.statements import PACKAGES

FILLERS: Final = 2
"""Connections that fill tables at the same time: one per processor."""
FILL_SECONDS_MAX: Final = 900.0
SETTINGS: Final = {
    "synchronous_commit": "off",
    # Without triggers: rows are written in any order, and the triggers against changes do not refuse the fill.
    "session_replication_role": "replica",
    "maintenance_work_mem": "256MB",
    "jit": "off",
    # A scan begins at the first row: the same parameters each time.
    "synchronize_seqscans": "off",
}
TABLES: Final = "select tablename from pg_tables where schemaname = current_schema() order by tablename"
INDEXES: Final = "select indexdef from pg_indexes where schemaname = current_schema() and tablename = $1"
CONSTRAINTS: Final = """
select conrelid::regclass::text as table, conname as name from pg_constraint
where connamespace = current_schema()::regnamespace and contype in ('f', 'p', 'u') order by contype
"""
LARGE_TABLES: Final = """
select relname from pg_class where relnamespace = current_schema()::regnamespace and relkind = 'r' and reltuples >= $1
"""
LOCK: Final = 4_071_202_612
AFTER: Final = {"relay_progress": "lane"}
"""A table whose fill reads another table."""


@dataclass(frozen=True, slots=True)
class History:
    """A filled schema. ``rows`` is the size of the large tables; see `history` for the others."""

    dsn: str
    rows: int
    filled: Collection[str]
    value: str

    def fill_of(self, table: str) -> str:
        """The statement that fills the table, if any."""
        statement = FILLS[table] if table in self.filled else "select"
        return statement.replace("$1", str(self.rows)).replace("'{}'::bytea", f"'{self.value}'::bytea")

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Connection]:
        connection = await asyncpg.connect(self.dsn, server_settings=SETTINGS, command_timeout=FILL_SECONDS_MAX)
        try:
            yield connection
        finally:
            await connection.close()


async def tables(connection: Connection) -> set[str]:
    return {row["tablename"] for row in await connection.fetch(TABLES)}


async def large_tables(connection: Connection) -> set[str]:
    return {row["relname"] for row in await connection.fetch(LARGE_TABLES, LARGE)}


@asynccontextmanager
async def history(
    server: str, rows: int, filled: Collection[str] = tuple(FILLS), value: str = "{}"
) -> AsyncIterator[History]:
    """Tables of all services with ``rows`` rows, vacuumed and analysed, on the server of this superuser's URL.

    Only the tables ``filled`` have rows; ``value`` is the JSON of aggregates and events.
    On the server of ``make mutants`` the schema stays, for the next test with the same migrations.
    """
    name = f"history_{rows}_{_fingerprint(*filled, value)}"
    parts = urlsplit(server)
    made = History(parts._replace(query=f"search_path={name}").geturl(), rows, tuple(filled), value)
    admin = await asyncpg.connect(server)
    try:
        await admin.execute("select pg_advisory_lock($1)", LOCK)
        if not await admin.fetchval("select to_regnamespace($1) is not null", name):
            await admin.execute(f'create schema "{name}"')
            await migrate(made.dsn, parts.password or "", PACKAGES)
            await _fill(made)
        await admin.execute("select pg_advisory_unlock($1)", LOCK)
        yield made
    finally:
        if VARIABLE not in os.environ:
            await admin.execute(f'drop schema if exists "{name}" cascade')
        await admin.close()


def _fingerprint(*texts_of_fill: str) -> str:
    """Changes with the migrations and the fill."""
    migrations = [each.sql for package in PACKAGES for each in migrations_of(package)]
    texts = [*migrations, FUNCTIONS, *FILLS.values(), *texts_of_fill]
    return sha256("".join(texts).encode()).hexdigest()[:16]


async def _fill(made: History) -> None:
    async with made.connect() as connection:
        await connection.execute(FUNCTIONS)
        indexes = await _bare(connection)
    waiting = sorted(indexes, key=[*FILLS, *indexes].index)
    filled = {name: asyncio.Event() for name in waiting}
    await asyncio.gather(*(_fill_tables(made, waiting, indexes, filled) for _ in range(FILLERS)))


async def _bare(connection: Connection) -> dict[str, list[str]]:
    """Make the tables cheap to fill. Returns the definitions of the indexes, to be created after the fill."""
    names = await tables(connection) - NOT_FILLED.keys()
    indexes = {name: [row["indexdef"] for row in await connection.fetch(INDEXES, name)] for name in names}
    for row in await connection.fetch(CONSTRAINTS):
        if row["table"] in names:
            await connection.execute(f"alter table {row['table']} drop constraint {row['name']}")
    for name in names:
        await connection.execute(f"alter table {name} set unlogged, set (autovacuum_enabled = false)")
        for definition in await connection.fetch(INDEXES, name):
            await connection.execute(f"drop index {definition['indexdef'].split(' ON ')[0].split()[-1]}")
    return indexes


async def _fill_tables(
    made: History, waiting: list[str], indexes: Mapping[str, list[str]], filled: Mapping[str, asyncio.Event]
) -> None:
    async with made.connect() as connection:
        while waiting:
            name = waiting.pop(0)
            if name in AFTER:
                await filled[AFTER[name]].wait()
            await connection.execute(made.fill_of(name))
            for definition in indexes[name]:
                await connection.execute(definition)
            await connection.execute(f"vacuum (analyze) {name}")
            filled[name].set()
