"""Migrations: each applied once, in order of number; a changed migration is refused."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio
from samenspel.runtime.migrations import MigrationChanged, migrate, migrations_of


@pytest_asyncio.fixture
async def dsn(server: str) -> AsyncIterator[str]:
    """A separate schema."""
    name = f"migrations_{uuid4().hex}"
    admin = await asyncpg.connect(server)
    await admin.execute(f'create schema "{name}"')
    yield urlsplit(server)._replace(query=f"search_path={name}").geturl()
    await admin.execute(f'drop schema "{name}" cascade')
    await admin.close()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package with two migrations; the second needs the first."""
    name = f"package_{uuid4().hex}"
    folder = tmp_path / name / "migrations"
    folder.mkdir(parents=True)
    (tmp_path / name / "__init__.py").touch()
    (folder / "0002_second.sql").write_text("insert into thing values (2)")
    (folder / "0001_first.sql").write_text("create table thing (number integer); insert into thing values (1)")
    (folder / "notes.txt").write_text("no migration")
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


async def numbers(dsn: str) -> list[int]:
    connection = await asyncpg.connect(dsn)
    try:
        return [row["number"] for row in await connection.fetch("select number from thing order by number")]
    finally:
        await connection.close()


def test_migrations_of_a_package_are_its_sql_files_in_order(package: str) -> None:
    assert [each.name for each in migrations_of(package)] == ["0001_first.sql", "0002_second.sql"]


async def test_migration_is_applied_once_however_often_it_is_asked_for(dsn: str, package: str) -> None:
    password = urlsplit(dsn).password or ""
    assert [await migrate(dsn, password, [package]) for _ in range(2)] == [2, 0]
    assert await numbers(dsn) == [1, 2]


async def test_migration_that_changed_after_it_was_applied_is_refused(dsn: str, package: str, tmp_path: Path) -> None:
    password = urlsplit(dsn).password or ""
    await migrate(dsn, password, [package])
    (tmp_path / package / "migrations" / "0002_second.sql").write_text("insert into thing values (3)")
    with pytest.raises(MigrationChanged, match=r"0002_second\.sql"):
        await migrate(dsn, password, [package])
    assert await numbers(dsn) == [1, 2]


async def test_migration_that_fails_leaves_the_ones_before_it(dsn: str, package: str, tmp_path: Path) -> None:
    password = urlsplit(dsn).password or ""
    (tmp_path / package / "migrations" / "0002_second.sql").write_text("insert into nowhere values (2)")
    with pytest.raises(asyncpg.UndefinedTableError):
        await migrate(dsn, password, [package])
    assert await numbers(dsn) == [1]
