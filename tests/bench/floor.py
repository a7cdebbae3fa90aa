"""The floor: the minimum for writing the same durable records, without decoding, checking or deciding.

The floor takes ingress records in batches of 500. In a transaction with the offsets it writes the same rows into the
same tables (journal, aggregate, submission, lane, receipts). A relay carries the journal to Kafka, a record batch per
lane. The floor runs on the funding service's database, topics and rights. The difference to the registry is the price
of the law: reading, checking, deciding, numbering, hashing, answering.
"""

import asyncio
from itertools import groupby
from typing import Any

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from samenspel.contracts.topics import FUNDING, lane_of, receipts
from samenspel.messaging.decisions.aggregates import SAVE
from samenspel.messaging.inbox.answer_store import INSERT_NEW
from samenspel.messaging.inbox.offsets import CREATE as MAKE_DOOR
from samenspel.messaging.inbox.offsets import LOCK as LOCK_DOORS
from samenspel.messaging.inbox.offsets import SAVE as MOVE_DOORS
from samenspel.messaging.kafka.producer import BATCH_BYTES_MAX
from samenspel.messaging.outbox import journal
from samenspel.messaging.outbox.journal import LOCK, Lane, drain
from samenspel.messaging.outbox.reconciliation import MARK_RECONCILED
from samenspel.runtime.bulk_parameters import as_arrays, as_joined_texts
from samenspel.runtime.migrations import migrate
from samenspel.runtime.postgres import Connection, Pool, create_pool
from samenspel.runtime.settings import ServiceSettings

HEADERS = b"".join(b"ce_constant%02d:%b\n" % (number, b"x" * 38) for number in range(19))
KAFKA_HEADERS = [(f"ce_constant{number:02d}", b"x" * 38) for number in range(19)]
ANSWER = b"x" * 480
READ = """
select j.topic, j.lane, j.sequence, j.key, j.value from relay_progress p join lane l using (topic, lane)
cross join lateral (select * from journal j where (j.topic, j.lane, j.timeline) = (p.topic, p.lane, p.timeline)
                    and j.sequence > p.sequence order by j.sequence limit 500) j
where l.sequence > p.sequence order by 1, 2, 3
"""
PUBLISHED = """
with lazily as (select set_config('synchronous_commit', 'off', true))
update relay_progress p set sequence = x.sequence
from lazily, unnest($1::text[], $2::int[], $3::bigint[]) as x (topic, lane, sequence)
where (p.topic, p.lane) = (x.topic, x.lane)
"""


async def run(settings: ServiceSettings, topics: list[str]) -> None:
    password = settings.postgres_password.get_secret_value()
    await migrate(settings.postgres_dsn, password, ["samenspel.messaging"])
    pool = await create_pool(settings.postgres_dsn, password, "floor", 4)
    names = [(FUNDING, lane) for lane in range(settings.lanes)] + [(_receipts_of(topic), 0) for topic in topics]
    async with pool.acquire() as connection:
        await journal.ensure(connection, names)
        for topic in topics:
            await connection.execute(MAKE_DOOR, [topic])
        incarnation = await connection.fetchval("select incarnation()")
        for name in names:
            await connection.execute(MARK_RECONCILED, *name, incarnation, 1)
    wake = asyncio.Event()
    await asyncio.gather(_take(pool, settings, topics, wake), _relay(pool, settings, wake))


def _receipts_of(topic: str) -> str:
    return receipts("funding", topic.rpartition(".")[2])


async def _take(pool: Pool, settings: ServiceSettings, topics: list[str], wake: asyncio.Event) -> None:
    consumer = AIOKafkaConsumer(
        **settings.kafka(),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=2_097_152,
    )
    await consumer.start()
    partitions = [TopicPartition(topic, 0) for topic in topics]
    consumer.assign(partitions)
    async with pool.acquire() as connection:
        for topic in topics:
            offset = await connection.fetchval("select next_offset from ingress_offset where topic = $1", topic)
            consumer.seek(TopicPartition(topic, 0), offset)
    while True:
        found = await consumer.getmany(timeout_ms=1_000, max_records=500)
        if found:
            async with pool.acquire() as connection, connection.transaction():
                await _write(connection, settings.lanes, found)
            wake.set()


async def _write(connection: Connection, lane_count: int, found: dict[TopicPartition, list[Any]]) -> None:
    await connection.fetch(LOCK_DOORS, sorted(partition.topic for partition in found))
    records = [record for each in found.values() for record in each]
    placed = [(FUNDING, lane_of(record.key.decode(), lane_count)) for record in records]
    names = sorted({*placed, *((_receipts_of(partition.topic), 0) for partition in found)})
    standing = {(row[0], row[1]): row[3] for row in await connection.fetch(LOCK, *as_arrays(names, 2))}
    rows: dict[tuple[str, int], list[tuple[str, bytes, bytes]]] = {name: [] for name in names}
    for name, record in zip(placed, records, strict=True):
        rows[name].append((record.key.decode(), HEADERS, record.value))
    for partition, each in found.items():
        rows[_receipts_of(partition.topic), 0].append(("receipt", HEADERS, (ANSWER * len(each))[:62_000]))
    states = {
        record.key: (record.key.decode(), name[1], record.value, "78" * 32, b"")
        for name, record in zip(placed, records, strict=True)
    }
    answers = [(record.topic, "bench", str(record.offset), ANSWER) for record in records]
    moved = [(partition.topic, each[-1].offset + 1, each[-1].timestamp) for partition, each in found.items()]
    moved_to = {name: standing[name] + len(rows[name]) for name in names}
    await connection.execute(SAVE, "bench.v1", FUNDING, *as_joined_texts([states[key] for key in sorted(states)], 5))
    await connection.execute(INSERT_NEW, *as_joined_texts(sorted(answers), 4))
    await journal.write(connection, drain(Lane(*name, 1, moved_to[name], 0, rows[name]) for name in names))
    await connection.execute(MOVE_DOORS, *as_arrays(sorted(moved), 3))


async def _relay(pool: Pool, settings: ServiceSettings, wake: asyncio.Event) -> None:
    producer = AIOKafkaProducer(
        **settings.kafka(), acks="all", enable_idempotence=True, linger_ms=0, max_batch_size=BATCH_BYTES_MAX,
        max_request_size=BATCH_BYTES_MAX + 100_000,
    )  # fmt: skip
    await producer.start()
    while True:
        wake.clear()
        async with pool.acquire() as connection:
            rows = await connection.fetch(READ)
        if not rows:
            await wake.wait()
            continue
        sent = [_send(producer, name, list(group)) for name, group in groupby(rows, key=lambda row: (row[0], row[1]))]
        reached = await asyncio.gather(*sent)
        async with pool.acquire() as connection:
            await connection.execute(PUBLISHED, *as_arrays(sorted(reached), 3))


async def _send(producer: AIOKafkaProducer, name: tuple[str, int], rows: list[Any]) -> tuple[str, int, int]:
    batch = producer.create_batch()
    sequence = 0
    for row in rows:
        if batch.append(key=row[3].encode(), value=row[4], timestamp=None, headers=KAFKA_HEADERS) is None:
            break
        sequence = row[2]
    batch.close()
    await (await producer.send_batch(batch, name[0], partition=name[1]))
    return *name, sequence


if __name__ == "__main__":
    import sys

    uvloop.run(run(ServiceSettings.read(), sys.argv[1:]))
