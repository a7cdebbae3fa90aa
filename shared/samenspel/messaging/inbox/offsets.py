"""Ingress offsets: the offset up to which each organisation's ingress topic was decided.

An ingress topic has no sequence. The offset is the start of reading and the fence against a second instance, never a
reason to skip a record. Repeats are detected by the identity of the submission.
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
from samenspel.runtime.write_together import Write

log = structlog.get_logger()

LOAD = "select next_offset, appended_at from ingress_offset where topic = $1"
LOCK = "select topic, next_offset from ingress_offset where topic = any($1::text[]) order by topic for update"
CREATE = "insert into ingress_offset (topic) values ($1) on conflict do nothing"
SAVE = """
update ingress_offset o set next_offset = x.next_offset, appended_at = x.appended_at
from unnest($1::text[], $2::bigint[], $3::bigint[]) as x (topic, next_offset, appended_at)
where o.topic = x.topic
"""
RESET = "update ingress_offset set next_offset = $2, appended_at = null where (topic, next_offset) = ($1, $3)"

OffsetRange = tuple[str, int, int, int]
"""Topic, first offset read, offset after the last record, and append time of the last record in ms since 1970."""


async def lock(connection: Connection, ranges: Sequence[OffsetRange]) -> None:
    """Lock the offsets of these topics. Raises `Fenced` when another instance has advanced an offset meanwhile."""
    failpoints.reached("offsets.lock")
    rows = await connection.fetch(LOCK, sorted(topic for topic, *_ in ranges))
    stored = {row["topic"]: row["next_offset"] for row in rows}
    for topic, start, _, _ in ranges:
        if stored.get(topic) != start:
            raise Fenced(f"{topic}: read from {start}, but the stored offset is {stored.get(topic)}")


def saving(ranges: Sequence[OffsetRange]) -> Write:
    """The write of the offset after each range, for the transaction of `lock`."""
    rows = sorted((topic, end, appended) for topic, _, end, appended in ranges)
    return Write(SAVE, as_arrays(rows, 3))


async def stored_offset(connection: Connection, topic: str) -> int:
    """The stored offset of an ingress topic after an earlier call of `resume_offset`."""
    offset, _ = await _load(connection, topic)
    return offset


async def _load(connection: Connection, topic: str) -> tuple[int, int | None]:
    failpoints.reached("offsets.load")
    row = await connection.fetchrow(LOAD, topic)
    assert row is not None  # inserted by resume_offset, and never deleted
    return int(row["next_offset"]), row["appended_at"]


async def resume_offset(connection: Connection, log_reader: LogReader, topic: str) -> int:
    """The offset to read an ingress topic from, after a check that the log was not truncated or recreated.

    After a truncation or recreation the topic is read again from its start. Records that expired unread are put in
    quarantine as one entry.
    """
    failpoints.reached("offsets.create")
    await connection.execute(CREATE, topic)
    stored, appended_at = await _load(connection, topic)
    partition = TopicPartition(topic, 0)
    start, end = await log_reader.bounds(partition)
    if end < stored or await _is_another_log(log_reader, partition, stored, start, appended_at):
        INGRESS_RESETS.inc()
        log.error("ingress truncated or recreated; reading from its start", topic=topic, stored=stored, end=end)
        return await _reset(connection, topic, start, stored)
    if start > stored:
        await _record_loss(connection, topic, stored, start)
        return await _reset(connection, topic, start, stored)
    return stored


async def _is_another_log(
    log_reader: LogReader, partition: TopicPartition, stored: int, start: int, appended_at: int | None
) -> bool:
    """Whether the last decided record has another append time in the log than in the database."""
    if appended_at is None or stored <= start:
        return False
    last = await log_reader.record_at(partition, stored - 1)
    return last is not None and last.timestamp != appended_at


async def _reset(connection: Connection, topic: str, offset: int, stored: int) -> int:
    await connection.execute(RESET, topic, offset, stored)
    return offset


async def _record_loss(connection: Connection, topic: str, first: int, start: int) -> None:
    log.error("ingress records expired before they were read", topic=topic, first=first, last=start - 1)
    lost = QuarantinedRecord(
        topic, 0, first, 0, "expired-unread", f"offsets {first} to {start - 1} expired before they were read"
    )
    await quarantine.insert(connection, [lost])
