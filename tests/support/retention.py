"""A service's tables after a long time: old receipts and answers, published rows, and a worker that may begin."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from samenspel.contracts.submissions import Submission
from samenspel.contracts.topics import receipts
from samenspel.messaging.inbox.answers import Incoming, RenderedAnswer
from samenspel.messaging.service.retention_worker import RetentionWorker
from samenspel.runtime.postgres import Pool

from tests.support.service_schema import OPERATOR, Room

RETENTION: Final = timedelta(days=90)
LANE: Final = receipts("initiatives", OPERATOR), 0
PUBLISH: Final = """
update relay_progress p set sequence = l.sequence, next_offset = l.sequence
from lane l where (l.topic, l.lane) = (p.topic, p.lane)
"""
LONG_MIGRATED: Final = "update migration set applied_at = now() - interval '2 days' where name = '0013_retention.sql'"


async def settle_days_ago(room: Room, days: float, *incoming: Incoming) -> list[RenderedAnswer]:
    """Decide each in a transaction of its own, so many days ago."""
    then = datetime.now(UTC) - timedelta(days=days)
    processor = replace(room.processor(), clock=lambda: then)
    answers: list[RenderedAnswer] = []
    for each in incoming:
        async with room.pool.acquire() as connection, connection.transaction():
            answers += await processor.process(connection, [each])
        if isinstance(each, Submission):
            identity = each.organisation, each.source, each.id
            await room.pool.execute(
                "update submission set answered_at = $4 where (organisation, source, id) = ($1, $2, $3)",
                *identity,
                then,
            )
    return answers


async def publish_all(room: Room) -> None:
    """As after a relay: Kafka has acknowledged the whole journal."""
    await room.pool.execute(PUBLISH)


async def retain(pool: Pool, retention: timedelta = RETENTION) -> None:
    """Remove what is older, as the worker does a day after the migration."""
    await pool.execute(LONG_MIGRATED)
    await RetentionWorker(pool, retention).poll()


async def sequences(room: Room, lane: tuple[str, int] = LANE) -> Sequence[int]:
    """The sequences of the journal rows of a lane."""
    rows = await room.rows("select sequence from journal where (topic, lane) = ($1, $2) order by 1", *lane)
    return [row["sequence"] for row in rows]
