"""The statements of retention with 200,000 receipts and 200,000 answers: each reads a bounded number of rows."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import orjson
import pytest
import pytest_asyncio
from samenspel.messaging.inbox import answer_retention, answer_store
from samenspel.messaging.outbox import receipt_retention, reconciliation
from samenspel.runtime.postgres import Connection

from tests.support.service_schema import Room

LANES: Final = 200
ROWS_PER_LANE: Final = 1_000
ROWS: Final = LANES * ROWS_PER_LANE
FILL: Final = (
    """
    insert into lane (topic, lane, sequence, reconciled)
    select 'samenspel.receipts.initiatives.' || lpad(n::text, 20, '0'), 0, $2::int, incarnation()
    from generate_series(1, $1::int) n
    union all select 'samenspel.initiatives', 0, $2::int, incarnation()
    """,
    """
    insert into relay_progress (topic, lane, sequence)
    select topic, lane, sequence from lane where $1::int + $2::int > 0
    """,
    """
    insert into journal (topic, lane, timeline, sequence, key, headers, value)
    select
      l.topic, 0, 1, n, 'key',
      convert_to(E'ce_id:x\\nce_time:2020-01-01T00:00:00.000Z\\nce_type:t\\n', 'UTF8'), ''
    from lane l, generate_series(1, $2::int) n where $1::int > 0
    """,
    """
    insert into submission (organisation, source, id, answer, answered_at)
    select lpad((n % $1::int)::text, 20, '0'), 'urn:x', n::text, '{"outcome":"deferred"}',
      case when n % 2 = 0 then now() - interval '91 days' - n * interval '1 second' end
    from generate_series(1, $1::int * $2::int) n
    """,
)
TABLES: Final = "lane, relay_progress, journal, submission, journal_start"
LANE: Final = "'samenspel.receipts.initiatives.00000000000000000007', 0"
RETENTION: Final = "interval '90 days'"
MEASURED: Final = {
    "OLDEST": (receipt_retention.OLDEST, f"'{receipt_retention.PREFIX}', '', 0, {receipt_retention.LANES_PER_PAGE}"),
    "REMOVE": (
        receipt_retention.REMOVE,
        f"{LANE}, '{receipt_retention.PREFIX}', {RETENTION}, {receipt_retention.ROWS_MAX}",
    ),
    "OLD": (answer_retention.OLD, f"'1970-01-01Z', '', '', '', {RETENTION}, {answer_retention.ROWS_MAX}"),
    "COMPACT": (
        answer_retention.COMPACT,
        "array['00000000000000000007'], array['urn:x'], array['7'], array['']::bytea[], array['']::bytea[]",
    ),
    "EVENT_TYPES": (answer_store.EVENT_TYPES, "array['samenspel.initiatives'], array[0], array[1], array[7]"),
    "REMOVED": (reconciliation.REMOVED, LANE),
}
"""Statements, and parameters for which the tables have more than enough rows."""
SCANS: Final = {"journal", "submission"}
EXAMINED_MAX: Final = 2 * receipt_retention.ROWS_MAX
"""The removed rows are read twice."""


@pytest_asyncio.fixture(scope="module")
async def full(registry_room: Room) -> AsyncIterator[Connection]:
    """A connection to a schema with a long history. PostgreSQL analysed the tables when they were empty."""
    await registry_room.clear()
    async with registry_room.pool.acquire() as connection:
        await connection.execute(f"vacuum analyze {TABLES}")
        for table in TABLES.split(", "):
            await connection.execute(f"alter table {table} set (autovacuum_enabled = false)")
        await connection.execute("begin; set local transaction_timeout = 0")
        for statement in FILL:
            await connection.execute(statement, LANES, ROWS_PER_LANE, timeout=120)
        await connection.execute("commit; set plan_cache_mode = force_generic_plan")
        yield connection
        await connection.execute(f"reset plan_cache_mode; truncate {TABLES}")


@pytest.mark.parametrize("analysed", [False, True], ids=["statistics of empty tables", "present statistics"])
async def test_no_statement_of_retention_reads_more_than_a_page(full: Connection, analysed: bool) -> None:
    if analysed:
        await full.execute(f"vacuum analyze {TABLES}", timeout=120)
    examined = {name: await _examined(full, *each) for name, each in MEASURED.items()}
    assert {name: rows for name, rows in examined.items() if rows > EXAMINED_MAX} == {}
    assert examined["REMOVE"] >= receipt_retention.ROWS_MAX and examined["OLD"] >= answer_retention.ROWS_MAX


async def test_statement_that_reads_a_whole_table_is_noticed(full: Connection) -> None:
    former = "select count(*) from submission where answered_at < now() - $1::interval"
    assert await _examined(full, former, RETENTION) > EXAMINED_MAX


async def _examined(connection: Connection, statement: str, parameters: str) -> int:
    """The rows of the large tables that the statement examines, by a generic plan; changes are rolled back."""
    prepared = await connection.prepare(statement)
    trial = connection.transaction()
    await trial.start()
    try:
        query = f"explain (analyze, format json) execute {prepared.get_name()}({parameters})"
        [explained] = orjson.loads(await connection.fetchval(query))
    finally:
        await trial.rollback()
    return sum(_rows(explained["Plan"]))


def _rows(node: dict[str, Any]) -> Iterator[int]:
    if node.get("Relation Name") in SCANS and node["Node Type"] != "ModifyTable":
        removed = sum(node.get(f"Rows Removed by {kind}", 0) for kind in ("Filter", "Index Recheck"))
        yield round((node["Actual Rows"] + removed) * node["Actual Loops"])
    for child in node.get("Plans", ()):
        yield from _rows(child)
