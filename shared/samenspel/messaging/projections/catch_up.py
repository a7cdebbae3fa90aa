"""Whether a service has applied every event that other services published: only then a passed deadline counts."""

from collections.abc import Mapping, Sequence
from typing import Final

from aiokafka import TopicPartition

from samenspel.contracts.canonical import position_of
from samenspel.contracts.topics import LaneId
from samenspel.messaging.kafka.log_reader import LogReader
from samenspel.runtime.postgres import Pool

CHECKPOINTS: Final = """
select topic, lane, timeline, sequence, last_offset, diverged_at is not null as diverged
from checkpoint where (topic, lane) in (select * from unnest($1::text[], $2::int[]))
"""


async def is_caught_up(pool: Pool, log_reader: LogReader, lanes: Sequence[LaneId]) -> bool:
    """Whether these lanes are applied up to their ends in Kafka.

    A diverged lane does not count: nothing that needs such a lane is decided, and no deadline of it counts.
    Raises `KafkaError` or `TimeoutError` when Kafka is unreachable.
    """
    if not lanes:
        return True
    ends = await log_reader.end_offsets([TopicPartition(*lane) for lane in lanes])
    rows = await pool.fetch(CHECKPOINTS, [topic for topic, _ in lanes], [lane for _, lane in lanes])
    applied = {TopicPartition(row["topic"], row["lane"]): row for row in rows}
    for partition, end in ends.items():
        row = applied.get(partition)
        if row and row["diverged"]:
            continue
        if end > (row["last_offset"] + 1 if row else 0) and not await _ends_in_repeat(
            log_reader, partition, end, row
        ):
            return False
    return True


async def _ends_in_repeat(
    log_reader: LogReader, partition: TopicPartition, end: int, row: Mapping[str, int] | None
) -> bool:
    """Whether the last record of the log is applied: a relay may publish an event a second time."""
    record = await log_reader.record_at(partition, end - 1)
    if row is None or record is None:
        return record is None
    # The projector has not seen a record without a position yet: the lane is diverged as soon as it has.
    position = position_of(record.headers)
    return position is not None and position <= (row["timeline"], row["sequence"])
