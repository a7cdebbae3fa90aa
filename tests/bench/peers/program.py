"""The program of a by-the-book peer: its task, broker and tables, and the poller of its outbox."""

import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, Final, Literal

import asyncpg
from aiokafka import AIOKafkaProducer
from faststream.kafka import KafkaBroker
from faststream.security import SASLScram512
from pydantic import BaseModel

VARIABLE: Final = "BENCH_PEER"
"""Environment variable with the JSON of `Wanted`."""
CANONICAL: Final = "peer.initiatives"
POLL_SECONDS: Final = 1.0
"""The poller looks again after this time without a signal of the handler in the same process."""
BATCH_BYTES_MAX: Final = 262_144
"""Of one Kafka batch; aiokafka's default of 16 KiB would divide 500 events among twenty requests."""

TABLES: Final = """
create table if not exists inbox (
  source text, id text, received_at timestamptz not null default now(), primary key (source, id));
create table if not exists state (id text primary key, lead text not null, version int not null, value text not null);
create table if not exists outbox (
  number bigserial primary key, id uuid not null default gen_random_uuid(), type text not null, key text not null,
  time timestamptz not null default now(), value text not null);
"""
STATE: Final = "select id, lead, version, value from state where id = any($1::text[]) for update"
SAVE: Final = """
insert into state (id, lead, version, value) values ($1, $2, $3, $4)
on conflict (id) do update set version = excluded.version, value = excluded.value
"""
PUBLISH: Final = "insert into outbox (type, key, value) values ($1, $2, $3)"
NEXT: Final = "select number, id, type, key, time, value from outbox order by number limit $1 for update skip locked"
DELETE: Final = "delete from outbox where number = any($1::bigint[])"

Pool = Any
Mode = Literal["structured", "binary"]
PeerName = Literal["single", "topics", "batch"]


class Wanted(BaseModel):
    """The task of one process."""

    peer: PeerName
    mode: Mode
    group: str
    topics: list[str]
    dsn: str
    kafka: dict[str, str]

    @classmethod
    def read(cls) -> "Wanted":
        return cls.model_validate_json(os.environ[VARIABLE])

    def broker(self) -> KafkaBroker:
        """Without FastStream's log line for each message, which would slow a peer down."""
        user, password = self.kafka["sasl_plain_username"], self.kafka["sasl_plain_password"]
        security = SASLScram512(user, password, use_ssl=False)
        return KafkaBroker(self.kafka["bootstrap_servers"], security=security, logger=None)


@dataclass(slots=True)
class Poller:
    """Sends the outbox, ``size`` rows in a transaction; all at once (``gather``), or one after another."""

    pool: Pool
    kafka: Mapping[str, str]
    size: int
    gather: bool
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        producer = AIOKafkaProducer(**self.kafka, acks="all", enable_idempotence=True, max_batch_size=BATCH_BYTES_MAX)
        await producer.start()
        while True:
            self.woken.clear()
            if not await self._sent(producer):
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.woken.wait(), POLL_SECONDS)

    async def _sent(self, producer: AIOKafkaProducer) -> int:
        async with self.pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(NEXT, self.size)
            sending = [self._send(producer, row) for row in rows]
            if self.gather:
                await asyncio.gather(*sending)
            else:
                for each in sending:
                    await each
            if rows:
                await connection.execute(DELETE, [row["number"] for row in rows])
        return len(rows)

    async def _send(self, producer: AIOKafkaProducer, row: Any) -> None:
        headers = [
            ("ce_specversion", b"1.0"),
            ("ce_id", str(row["id"]).encode()),
            ("ce_source", b"urn:peer"),
            ("ce_type", row["type"].encode()),
            ("ce_subject", row["key"].encode()),
            ("ce_time", row["time"].astimezone(UTC).isoformat().encode()),
            ("content-type", b"application/json"),
        ]
        await producer.send_and_wait(CANONICAL, row["value"].encode(), key=row["key"].encode(), headers=headers)


async def open_pool(wanted: Wanted) -> Pool:
    """A pool on the peer's own schema, with its tables."""
    pool = await asyncpg.create_pool(wanted.dsn, server_settings={"search_path": wanted.peer})
    await pool.execute(f"create schema if not exists {wanted.peer}")
    await pool.execute(TABLES)
    return pool
