"""Writes of one transaction as a single statement: a round trip to PostgreSQL instead of one for each table."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from samenspel.runtime import failpoints
from samenspel.runtime.postgres import Connection

_PARAMETER: Final = re.compile(r"\$([0-9]+)")


class Write(NamedTuple):
    """An ``insert``, ``update`` or ``delete`` without ``returning``, and its parameters.

    ``expected`` is the number of rows to be written, None if any number is right; else ``otherwise`` is raised.
    """

    sql: str
    parameters: Sequence[Any]
    expected: int | None = None
    otherwise: Exception | None = None


async def write_together(connection: Connection, writes: Sequence[Write]) -> None:
    """Execute the writes as one statement. Raises ``otherwise`` of a write with another number of rows.

    No write sees the rows of another. Two writes must not change the same row. Locks are taken in the order of the
    writes. After an error the transaction must end.
    """
    if not writes:
        return
    parameters = [value for each in writes for value in each.parameters]
    failpoints.reached("postgres.write-together")
    numbers = await connection.fetchrow(_statement(*(each.sql for each in writes)), *parameters)
    assert numbers is not None
    for write, number in zip(writes, numbers, strict=True):
        if write.expected not in (None, number) and write.otherwise:
            raise write.otherwise


@lru_cache(maxsize=64)
def _statement(*parts: str) -> str:
    """The writes as parts of one statement, which returns the number of rows of each."""
    tables, after = [], 0
    for number, sql in enumerate(parts):
        tables.append(f"write_{number} as ({_numbered(sql, after)} returning 1)")
        after += max(map(int, _PARAMETER.findall(sql)), default=0)
    counts = (f"(select count(*) from write_{number})" for number in range(len(parts)))  # noqa: S608
    return f"with {', '.join(tables)} select {', '.join(counts)}"


def _numbered(sql: str, after: int) -> str:
    return _PARAMETER.sub(lambda found: f"${int(found[1]) + after}", sql)
