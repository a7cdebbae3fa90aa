"""Where a service stands in each organisation's ingress, and whether that ingress is still the one it was.

Ingress has no sequence: its offset is where to start and a fence, never a reason to skip. Repeats are removed by
what was submitted.
"""

from collections.abc import Sequence

import structlog
from aiokafka import TopicPartition

from samenspel.messaging.errors import Fenced
from samenspel.messaging.inbox import quarantine
from samenspel.messaging.inbox.quarantine import QuarantinedRecord
from samenspel.messaging.kafka.log_reader import LogReader
from samenspel.runtime import failpoints
from samenspel.runtime.bulk_parameters import as_arrays
from samenspel.runtime.metrics import INGRESS_RESETS
from samenspel.runtime.postgres import Connection

log = structlog.get_logger()

LOAD = "select next_offset, appended_at from ingress_offset where topic = $1"
LOCK = "select topic, next_offset from ingress_offset where topic = any($1::text[]) order by topic for update"
CREATE = "insert into ingress_offset (topic) values ($1) on conflict do nothing"
SAVE = """
update ingress_offset d set next_offset = x.next_offset, appended_at = x.appended_at
from unnest($1::text[], $2::bigint[], $3::bigint[]) as x (topic, next_offset, appended_at)
where d.topic = x.topic
"""
RESET = "update ingress_offset set next_offset = $2, appended_at = null where (topic, next_offset) = ($1, $3)"

OffsetRange = tuple[str, int, int, int]
"""A topic, the offset from which it was read, the one after the last record, and that record's append time."""


async def lock(connection: Connection, ranges: Sequence[OffsetRange]) -> None:
    """Lock the doors of these stretches. Raises `FenceLost` when one was read on by somebody else meanwhile."""
    failpoints.reached("offsets.lock")
    rows = await connection.fetch(LOCK, sorted(topic for topic, *_ in ranges))
    standing = {row["topic"]: row["next_offset"] for row in rows}
    for topic, start, _, _ in ranges:
        if standing.get(topic) != start:
            raise Fenced(f"{topic}: read from {start}, but the door stands at {standing.get(topic)}")


async def save(connection: Connection, ranges: Sequence[OffsetRange]) -> None:
    rows = sorted((topic, end, appended) for topic, _, end, appended in ranges)
    failpoints.reached("offsets.save")
    await connection.execute(SAVE, *as_arrays(rows, 3))


async def stored_offset(connection: Connection, topic: str) -> int:
    """The offset from which to read on an ingress that has been opened before."""
    stands, _ = await _load(connection, topic)
    return stands


async def _load(connection: Connection, topic: str) -> tuple[int, int | None]:
    failpoints.reached("offsets.load")
    row = await connection.fetchrow(LOAD, topic)
    assert row is not None  # made when it was opened, and doors are never removed
    return int(row["next_offset"]), row["appended_at"]


async def resume_offset(connection: Connection, log_reader: LogReader, topic: str) -> int:
    """The offset from which to read this ingress, after a look whether it is still the log that was read before."""
    failpoints.reached("offsets.create")
    await connection.execute(CREATE, topic)
    stands, appended_at = await _load(connection, topic)
    partition = TopicPartition(topic, 0)
    start, end = await log_reader.bounds(partition)
    if end < stands or await _is_another_log(log_reader, partition, stands, start, appended_at):
        INGRESS_RESETS.inc()
        log.error("ingress was cut back or made anew; read again from its start", topic=topic, stood=stands, end=end)
        return await _reset(connection, topic, start, stands)
    if start > stands:
        await _record_loss(connection, topic, stands, start)
        return await _reset(connection, topic, start, stands)
    return stands


async def _is_another_log(
    log_reader: LogReader, partition: TopicPartition, stands: int, start: int, appended_at: int | None
) -> bool:
    if appended_at is None or stands <= start:
        return False
    before = await log_reader.record_at(partition, stands - 1)
    return before is not None and before.timestamp != appended_at


async def _reset(connection: Connection, topic: str, offset: int, stood: int) -> int:
    await connection.execute(RESET, topic, offset, stood)
    return offset


async def _record_loss(connection: Connection, topic: str, first: int, start: int) -> None:
    log.error("ingress expired unread", topic=topic, first=first, last=start - 1)
    lost = QuarantinedRecord(
        topic, 0, first, 0, "expired-unread", f"offsets {first} to {start - 1} expired before they were read"
    )
    await quarantine.insert(connection, [lost])
