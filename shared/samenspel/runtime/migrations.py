"""Migrations: numbered .sql files, forward only, one transaction each; several instances may start together."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from typing import Final

import asyncpg
import structlog

log = structlog.get_logger()

_NAME: Final = re.compile(r"\d{4}_[a-z0-9_]+\.sql")
_LOCK: Final = 7_236_331_905
TABLE = """
create table if not exists migration (
  package text not null, name text not null, sha256 text not null,
  applied_at timestamptz not null default clock_timestamp(), primary key (package, name))
"""
APPLIED = "select package, name, sha256 from migration"
RECORD = "insert into migration (package, name, sha256) values ($1, $2, $3)"


class MigrationChanged(Exception):
    """An applied migration was edited. Restore the file and add a new migration instead."""


@dataclass(frozen=True, slots=True)
class Migration:
    package: str
    name: str
    sql: str

    @property
    def fingerprint(self) -> str:
        return sha256(self.sql.encode()).hexdigest()


def migrations_of(package: str) -> list[Migration]:
    """The migrations in ``<package>.migrations``, in order of number."""
    folder = files(package) / "migrations"
    named = sorted((entry.name, entry) for entry in folder.iterdir() if _NAME.fullmatch(entry.name))
    return [Migration(package, name, entry.read_text()) for name, entry in named]


async def migrate(dsn: str, password: str, packages: Sequence[str]) -> int:
    """Apply the pending migrations of ``packages``, in this order. Returns the number of applied migrations.

    Raises `MigrationChanged` if the content of an applied migration differs.
    """
    connection = await asyncpg.connect(dsn, password=password, timeout=10)
    try:
        await connection.execute("select pg_advisory_lock($1)", _LOCK)
        await connection.execute(TABLE)
        known = {(row["package"], row["name"]): row["sha256"] for row in await connection.fetch(APPLIED)}
        applied = 0
        for migration in (each for package in packages for each in migrations_of(package)):
            before = known.get((migration.package, migration.name))
            if before not in (None, migration.fingerprint):
                raise MigrationChanged(f"{migration.package} {migration.name}: {MigrationChanged.__doc__}")
            if before is None:
                await _apply(connection, migration)
                applied += 1
        return applied
    finally:
        await connection.close()


async def _apply(connection: "asyncpg.Connection[asyncpg.Record]", migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(migration.sql)
        await connection.execute(RECORD, migration.package, migration.name, migration.fingerprint)
    log.info("migration applied", package=migration.package, name=migration.name)
