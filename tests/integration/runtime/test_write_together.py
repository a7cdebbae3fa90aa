"""Several writes are one statement, in which each has its own parameters and number of rows."""

import pytest
from samenspel.runtime.postgres import Connection
from samenspel.runtime.write_together import Write, write_together

from tests.support.service_schema import Room

TABLES = """
drop table if exists one, two;
create temporary table one (name text primary key, number int);
create temporary table two (name text primary key, number int);
"""
INSERT = "insert into {} (name, number) select * from unnest($1::text[], $2::int[]) on conflict do nothing"
DOUBLE = "update one set number = number * $1 where name = any($2::text[])"
CONTENT = "select name, number from {} order by name"


async def content(connection: Connection, table: str) -> list[tuple[str, int]]:
    return [tuple(row) for row in await connection.fetch(CONTENT.format(table))]


async def test_each_write_has_its_own_parameters(registry: Room) -> None:
    async with registry.pool.acquire() as connection:
        await connection.execute(TABLES)
        await write_together(connection, [Write(INSERT.format("one"), [["a", "b"], [1, 2]], expected=2)])
        first = Write(INSERT.format("two"), [["c"], [3]])
        await write_together(connection, [first, Write(DOUBLE, [10, ["b"]]), Write(INSERT.format("one"), [[], []])])
        assert await content(connection, "one") == [("a", 1), ("b", 20)]
        assert await content(connection, "two") == [("c", 3)]


async def test_another_number_of_rows_is_the_error_of_the_write(registry: Room) -> None:
    async with registry.pool.acquire() as connection:
        await connection.execute(TABLES)
        write = Write(INSERT.format("one"), [["a", "b"], [1, 2]], 2, KeyError("one"))
        other = Write(INSERT.format("two"), [["a"], [1]], 1, KeyError("two"))
        await write_together(connection, [write])
        with pytest.raises(KeyError, match="one"):
            await write_together(connection, [other, write])


async def test_without_writes_no_statement_is_sent() -> None:
    await write_together(None, [])  # type: ignore[arg-type]  # no connection is needed
