"""Ingress offsets: the offset up to which each organisation's ingress topic was decided.

An ingress topic has no sequence. The offset is the start of reading and the fence against a second instance, never a
reason to skip a record. Repeats are detected by the identity of the submission.
"""

from collections.abc import Collection, Mapping, Sequence

import structlog
from aiokafka import ConsumerRecord, TopicPartition

from samenspel.messaging.errors import Fenced
from samenspel.messaging.inbox import quarantine
from samenspel.messaging.inbox.quarantine import QuarantinedRecord
from samenspel.messaging.kafka.log_reader import LogReader, RecordOrError
from samenspel.runtime import failpoints
from samenspel.runtime.bulk_parameters import as_arrays
from samenspel.runtime.metrics import INGRESS_RESETS
from samenspel.runtime.postgres import Connection
from samenspel.runtime.write_together import Write

log = structlog.get_logger()

LOAD = "select topic, next_offset, appended_at from ingress_offset where topic = any($1::text[])"
LOCK = "select topic, next_offset from ingress_offset where topic = any($1::text[]) order by topic for update"
CREATE = "insert into ingress_offset (topic) select * from unnest($1::text[]) on conflict do nothing"
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


def offset_write(ranges: Sequence[OffsetRange]) -> Write:
    """The write of the offset after each range, for the transaction of `lock`."""
    rows = sorted((topic, end, appended) for topic, _, end, appended in ranges)
    return Write(SAVE, as_arrays(rows, 3))


async def _load(connection: Connection, topics: Sequence[str]) -> dict[str, tuple[int, int | None]]:
    """Stored offset, and append time of the record before it. Missing rows are inserted, and never deleted."""
    failpoints.reached("offsets.create")
    await connection.execute(CREATE, topics)
    failpoints.reached("offsets.load")
    rows = await connection.fetch(LOAD, topics)
    return {row["topic"]: (row["next_offset"], row["appended_at"]) for row in rows}


async def resume_offsets(
    connection: Connection, log_reader: LogReader, topics: Collection[str]
) -> dict[str, int | Exception]:
    """The offset to read each ingress topic from, after a check that no log was truncated or recreated.

    After a truncation or recreation a topic is read again from its start. Records that expired unread are put in
    quarantine as one entry. The error of a topic concerns that topic alone. The number of statements, and of requests
    to Kafka without records, does not depend on the number of topics.
    """
    stored = await _load(connection, sorted(topics))
    bounds = await log_reader.bounds_of([TopicPartition(topic, 0) for topic in topics])
    found: dict[str, int | Exception] = {}
    open_logs: dict[str, tuple[int, int]] = {}
    for (topic, _), each in bounds.items():
        if isinstance(each, Exception):
            found[topic] = each
        else:
            open_logs[topic] = each
    last = await log_reader.records_at(_last_decided(stored, open_logs))
    for topic, each in open_logs.items():
        found[topic] = await _resume(connection, topic, each, stored[topic], last.get(TopicPartition(topic, 0)))
    return found


def _last_decided(
    stored: Mapping[str, tuple[int, int | None]], bounds: Mapping[str, tuple[int, int]]
) -> dict[TopicPartition, int]:
    """The offset of the last decided record of each topic whose log may still have that record."""
    return {
        TopicPartition(topic, 0): stored[topic][0] - 1
        for topic, (start, end) in bounds.items()
        if stored[topic][1] is not None and start < stored[topic][0] <= end
    }


async def _resume(
    connection: Connection, topic: str, bounds: tuple[int, int], stored: tuple[int, int | None], last: RecordOrError
) -> int | Exception:
    """The offset of one topic, or the error of this topic. ``last`` is the last decided record, if it is there."""
    if isinstance(last, Exception):
        return last
    try:
        return await _offset_in(connection, topic, bounds, stored[0], _is_another_log(last, stored[1]))
    except Exception as error:
        return error


def _is_another_log(last: ConsumerRecord | None, appended_at: int | None) -> bool:
    """Whether the last decided record has another append time in the log than in the database."""
    return last is not None and last.timestamp != appended_at


async def _offset_in(
    connection: Connection, topic: str, bounds: tuple[int, int], stored: int, is_another_log: bool
) -> int:
    start, end = bounds
    if end < stored or is_another_log:
        INGRESS_RESETS.inc()
        log.error("ingress truncated or recreated; reading from its start", topic=topic, stored=stored, end=end)
        return await _reset(connection, topic, start, stored)
    if start > stored:
        await _record_loss(connection, topic, stored, start)
        return await _reset(connection, topic, start, stored)
    return stored


async def _reset(connection: Connection, topic: str, offset: int, stored: int) -> int:
    await connection.execute(RESET, topic, offset, stored)
    return offset


async def _record_loss(connection: Connection, topic: str, first: int, start: int) -> None:
    log.error("ingress records expired before they were read", topic=topic, first=first, last=start - 1)
    lost = QuarantinedRecord(
        topic, 0, first, 0, "expired-unread", f"offsets {first} to {start - 1} expired before they were read"
    )
    await quarantine.insert(connection, [lost])
