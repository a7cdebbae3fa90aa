"""Published receipts leave the journal after their retention; nothing else does, and the lane goes on."""

from samenspel.contracts.problems import Problem
from samenspel.contracts.topics import INITIATIVES
from samenspel.messaging.inbox.answers import UnreadableSubmission
from samenspel.messaging.outbox.receipt_retention import ROWS_MAX, ages, remove_receipts

from tests.support.retention import LANE, RETENTION, publish_all, retain, sequences, settle_days_ago
from tests.support.service_schema import OPERATOR, Room, outcomes, registered

HEAD = "select sequence from lane where (topic, lane) = ($1, $2)"
COPIES = """
insert into journal
select topic, lane, timeline, n, key, headers, value from journal, generate_series(2, $2::int) n where topic = $1
"""
STORED = """
select coalesce(sum(pg_column_size(j)), 0) + (select coalesce(sum(pg_column_size(s)), 0) from submission s)
from journal j
"""
CANONICAL = "select count(*) from journal where topic = $1"


async def test_published_receipts_older_than_the_retention_are_removed(registry: Room) -> None:
    await settle_days_ago(registry, 91, registered(), registered(), registered())
    await publish_all(registry)
    await retain(registry.pool)
    assert await sequences(registry) == []
    assert await registry.pool.fetchval("select removed from journal_start") == 3


async def test_refused_record_of_nine_bytes_leaves_nothing(registry: Room) -> None:
    """No sender can fill the journal for ever with records that are not even submissions."""
    problem = Problem(code="not-json", field="/", detail="the data is not JSON", fix="Send JSON.")
    await settle_days_ago(registry, 91, UnreadableSubmission(OPERATOR, "", "", [problem], "a record of 9 bytes"))
    assert await registry.pool.fetchval(STORED) > 700
    await publish_all(registry)
    await retain(registry.pool)
    assert await registry.pool.fetchval(STORED) == 0


async def test_younger_receipts_stay(registry: Room) -> None:
    await settle_days_ago(registry, 91, registered(), registered())
    await settle_days_ago(registry, 89, registered(), registered())
    await publish_all(registry)
    await retain(registry.pool)
    assert await sequences(registry) == [3, 4]


async def test_row_behind_a_younger_row_stays(registry: Room) -> None:
    """The journal of a lane has one start: a clock that went back leaves no gap."""
    for days in (91, 89, 91):
        await settle_days_ago(registry, days, registered())
    await publish_all(registry)
    await retain(registry.pool)
    assert await sequences(registry) == [2, 3]


async def test_unpublished_receipts_stay(registry: Room) -> None:
    await settle_days_ago(registry, 91, registered())
    await publish_all(registry)
    await settle_days_ago(registry, 91, registered())
    await retain(registry.pool)
    assert await sequences(registry) == [2]


async def test_closed_lane_loses_nothing(registry: Room) -> None:
    """Kafka may have lost what the database takes for published."""
    await settle_days_ago(registry, 91, registered())
    await publish_all(registry)
    await registry.pool.execute("update lane set reconciled = ''")
    await retain(registry.pool)
    async with registry.pool.acquire() as connection:
        assert await remove_receipts(connection, LANE, RETENTION) == (0, 0)
    assert await sequences(registry) == [1]


async def test_canonical_events_are_never_removed(registry: Room) -> None:
    await settle_days_ago(registry, 9_000, registered(), registered())
    await publish_all(registry)
    await retain(registry.pool)
    assert await registry.pool.fetchval(CANONICAL, INITIATIVES) == 2
    lanes = await registry.rows("select topic, lane from lane where topic = $1", INITIATIVES)
    async with registry.pool.acquire() as connection:
        for lane in lanes:
            assert await remove_receipts(connection, (lane["topic"], lane["lane"]), RETENTION) == (0, 0)
    assert await registry.pool.fetchval(CANONICAL, INITIATIVES) == 2


async def test_lane_without_rows_continues_with_the_next_sequence(registry: Room) -> None:
    await settle_days_ago(registry, 91, registered(), registered())
    await publish_all(registry)
    await retain(registry.pool)
    assert outcomes(await registry.settle(registered())) == ["accepted"]
    assert await sequences(registry) == [3]
    assert await registry.pool.fetchval(HEAD, *LANE) == 3


async def test_rows_of_a_former_timeline_are_removed_with_their_copies(registry: Room) -> None:
    await settle_days_ago(registry, 91, registered())
    await publish_all(registry)
    await registry.pool.execute(
        "insert into journal select topic, lane, 2, sequence, key, headers, value from journal where topic = $1",
        LANE[0],
    )
    for table in ("lane", "relay_progress"):
        await registry.pool.execute(f"update {table} set timeline = 2 where topic = $1", LANE[0])  # noqa: S608
    await retain(registry.pool)
    assert await sequences(registry) == []


async def test_statement_removes_a_bounded_number_of_rows(registry: Room) -> None:
    await settle_days_ago(registry, 91, registered())
    await registry.pool.execute(COPIES, LANE[0], ROWS_MAX + 7)
    await registry.pool.execute("update lane set sequence = $1 where topic = $2", ROWS_MAX + 7, LANE[0])
    await publish_all(registry)
    async with registry.pool.acquire() as connection:
        removed = [await remove_receipts(connection, LANE, RETENTION) for _ in range(3)]
        assert [each.rows for each in removed] == [ROWS_MAX, 7, 0]
        assert removed[1].bytes > 7 * 400
        assert await ages(connection, ("", 0)) == [(LANE, None)]
