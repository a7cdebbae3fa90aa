"""The plan of every statement on deferrals, with 200,000 rows: each reads its own rows by an index, and no others."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import orjson
import pytest
import pytest_asyncio
from samenspel.messaging.decisions import aggregates
from samenspel.messaging.inbox import answer_store, deferrals, due_deferrals
from samenspel.messaging.recovery import answers
from samenspel.messaging.service import read_admission
from samenspel.runtime.postgres import Connection

from tests.support.service_schema import Room

ROWS: Final = 200_000
FILL: Final = """
insert into deferral (topic, lane, subject, organisation, needs_aggregate, needs_subject, deadline, source, id, type,
                      hash, data, received_at, record, correlationid, traceparent)
select 'samenspel.funding', n % 4, md5(n::text), lpad((n % $2)::text, 20, '0'), 'organisation.v1',
       lpad((n % 5000)::text, 20, '0'), now() + interval '5 days', 'urn:nld:oin:00000099000000000344:systeem:x',
       n::text, 'nl.samenspel.application-submitted.v1', '', '', now(), 'http', '', ''
from generate_series(1, $1) n
"""
OTHERS: Final = (
    """
    insert into projection (aggregate, subject, topic, lane, value, hash)
    select 'organisation.v1', lpad(n::text, 20, '0'), 'samenspel.organisations', 0, '', sha256('')
    from generate_series(1, 20000) n
    """,
    """
    insert into aggregate (aggregate, subject, topic, lane, value, hash)
    select 'application.v1', md5(n::text), 'samenspel.funding', 0, '', sha256('') from generate_series(1, 20000) n
    """,
    """
    insert into submission (organisation, source, id, answer)
    select '00000099000000000344', 'urn:x', n::text, '' from generate_series(1, 20000) n
    """,
)
STATEMENTS: Final = {
    f"{module.__name__.rpartition('.')[2]}.{name}": text
    for module in (deferrals, due_deferrals)
    for name, text in vars(module).items()
    if name.isupper() and isinstance(text, str)
} | {"recovery.REMOVE_DEFERRED": answers.REMOVE_DEFERRED, "answer_store.REPLACE": answer_store.REPLACE}
BY_SUBJECT: Final = (aggregates.SHARE_PROJECTION, read_admission.IS_ADMITTED)
"""Statements that look up aggregates by kind and subject."""
KEYS: Final = ("number", "id")
"""Columns whose value selects one deferral, at least of one organisation."""
LARGE: Final = {"deferral", "aggregate", "projection", "submission"}


@pytest_asyncio.fixture(scope="module", params=[1, 400], ids=["one organisation", "400 organisations"])
async def full(registry_room: Room, request: pytest.FixtureRequest) -> AsyncIterator[Connection]:
    """A connection to a schema with `ROWS` deferrals. PostgreSQL analysed the tables when they were empty."""
    await registry_room.clear()
    async with registry_room.pool.acquire() as connection:
        for statement in OTHERS:
            await connection.execute(statement)
        await connection.execute("vacuum analyze deferral, aggregate, projection, submission")
        await connection.execute("alter table deferral set (autovacuum_enabled = false)")
        await connection.execute(FILL, ROWS, request.param, timeout=120)
        await connection.execute("set plan_cache_mode = force_generic_plan")
        yield connection
        await connection.execute("reset plan_cache_mode")
        await connection.execute("truncate deferral")


@pytest.mark.parametrize("analysed", [False, True], ids=["statistics of an empty table", "present statistics"])
async def test_no_statement_reads_deferrals_of_others(full: Connection, analysed: bool) -> None:
    if analysed:
        await full.execute("vacuum analyze deferral", timeout=120)
    assert {
        "deferrals.QUEUES",
        "deferrals.ENQUEUE",
        "due_deferrals.OVERDUE",
        "due_deferrals.COUNT",
    } <= STATEMENTS.keys()
    unbounded = {name: found async for name, found in _unbounded(full)}
    assert unbounded == {}


async def test_statement_that_reads_a_whole_lane_is_noticed(full: Connection) -> None:
    lanes = "select * from unnest($1::text[], $2::int[])"
    former = f"select distinct topic, lane, subject from deferral where (topic, lane) in ({lanes})"  # noqa: S608
    assert list(_scans(await _generic_plan(full, former), limited=False))


async def test_aggregate_is_looked_up_by_its_subject(full: Connection) -> None:
    for statement in BY_SUBJECT:
        scans = list(_scans(await _generic_plan(full, statement), limited=False))
        assert scans, "one scan per table"
        assert [scan for scan in scans if "(subject = " not in scan] == []


async def _unbounded(connection: Connection) -> AsyncIterator[tuple[str, list[str]]]:
    for name, statement in STATEMENTS.items():
        if found := list(_scans(await _generic_plan(connection, statement), limited=False)):
            yield name, found


async def _generic_plan(connection: Connection, statement: str) -> dict[str, Any]:
    prepared = await connection.prepare(statement)
    nothing = ", ".join(["null"] * len(prepared.get_parameters()))
    execute = f"execute {prepared.get_name()}" + (f"({nothing})" if nothing else "")
    [explained] = orjson.loads(await connection.fetchval(f"explain (format json) {execute}"))
    plan: dict[str, Any] = explained["Plan"]
    return plan


def _scans(node: dict[str, Any], limited: bool) -> Iterator[str]:
    """The scans of more than one row per key that have no limit, or a limit but no index to begin from."""
    table, index, condition = (node.get(name, "") for name in ("Relation Name", "Index Name", "Index Cond"))
    is_scan = table in LARGE and node["Node Type"] not in ("ModifyTable", "Bitmap Heap Scan")
    is_bounded = any(f"({column} = " in condition for column in KEYS) or (limited and index)
    if (is_scan or node["Node Type"] == "Bitmap Index Scan") and not is_bounded:
        yield f"{node['Node Type']} on {table} {index} {condition}"
    for child in node.get("Plans", ()):
        yield from _scans(child, node["Node Type"] == "Limit")
