"""Rows that each statement reads, compared between a short and a long history.

Each statement is executed in a transaction that is rolled back. Rows of a part of a plan that a filter removes count
too. Parameters are as many, and active work is as much, at every size.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from samenspel.runtime.postgres import Connection

from tests.plans.explain import MODES, Samples, execute

Plan = dict[str, Any]
REMOVED: Final = ("Filter", "Index Recheck", "Join Filter")
FACTOR_MAX: Final = 2
SLACK: Final = 2_000
"""Rows that a statement may read more: a short history cannot fill all pages and arrays of keys."""


async def rows_of_statements(connection: Connection, statements: Mapping[str, str]) -> dict[str, int]:
    """Rows read by sample, the most of a generic and a custom plan."""
    samples, found = await Samples.of(connection), {}
    for name, statement in statements.items():
        async for sample in samples.prepared(name, statement):
            plans = [await execute(connection, sample, mode) for mode in MODES]
            found[str(sample)] = max(rows_read(plan) for plan in plans)
    return found


def growing(few: Mapping[str, int], many: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """The samples that read more rows on the longer history."""
    return {name: (few[name], rows) for name, rows in many.items() if rows > FACTOR_MAX * few.get(name, 0) + SLACK}


def rows_read(plan: Plan) -> int:
    """The rows of tables that all parts of the plan read."""
    return sum(_rows(plan))


def _rows(node: Plan) -> Iterator[int]:
    removed = sum(node.get(f"Rows Removed by {kind}", 0) for kind in REMOVED)
    reads = node["Node Type"] != "ModifyTable" and ("Relation Name" in node or "Index Name" in node)
    yield round((removed + (node["Actual Rows"] if reads else 0)) * node["Actual Loops"])
    for child in node.get("Plans", ()):
        yield from _rows(child)
