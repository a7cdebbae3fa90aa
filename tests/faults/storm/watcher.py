"""Sees every canonical event on arrival, by the causing submission."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from samenspel.contracts.catalogue import type_name
from samenspel.contracts.topics import CANONICAL, LANES_LOCAL

from deploy.local.system import LocalSystem
from tests.faults.storm.client_shutdown import let_go, within

APPLIED_FOR = type_name("application-submitted")
PAUSE_SECONDS = 0.05
HEARD_SECONDS_MAX = 10.0


class Watcher:
    """Reads the canonical topics over a separate connection, past every proxy."""

    def __init__(self, system: LocalSystem) -> None:
        self._kafka = admin_access(system)
        self._next: dict[TopicPartition, int] = {
            TopicPartition(topic, lane): 0 for topic in CANONICAL for lane in range(LANES_LOCAL)
        }
        self._awaited: dict[str, asyncio.Event] = {}
        self._seen: set[str] = set()
        self._ids: set[bytes] = set()
        self.applications: asyncio.Queue[bytes] = asyncio.Queue()
        """The state of every known application, for the deciding authorities."""

    def has_seen(self, submission: str) -> bool:
        """Whether the submission has led to an event."""
        return submission in self._seen

    async def seen(self, submissions: Sequence[str]) -> None:
        """Wait until each of these submissions has led to an event."""
        for each in submissions:
            if each not in self._seen:
                await self._awaited.setdefault(each, asyncio.Event()).wait()

    async def run(self) -> None:
        """Until cancelled; reconnects to an unreachable Kafka."""
        while True:
            with suppress(Exception):  # any error: events read so far are kept
                await self._read()
            await asyncio.sleep(PAUSE_SECONDS)

    async def _read(self) -> None:
        consumer = AIOKafkaConsumer(
            **self._kafka,
            group_id=None,
            enable_auto_commit=False,
            request_timeout_ms=5_000,
            metadata_max_age_ms=2_000,
        )
        try:
            await within(HEARD_SECONDS_MAX, consumer.start())
            consumer.assign(list(self._next))
            for partition, offset in self._next.items():
                consumer.seek(partition, offset)
            heard = time.monotonic()
            while time.monotonic() - heard < 5:
                found = await within(HEARD_SECONDS_MAX, consumer.getmany(timeout_ms=200))
                for partition, records in found.items():
                    self._take(records)
                    self._next[partition] = records[-1].offset + 1
                    heard = time.monotonic()
        finally:
            await let_go(consumer)

    def _take(self, records: Sequence[ConsumerRecord]) -> None:
        for record in records:
            headers = dict(record.headers)
            if (id := headers["ce_id"]) in self._ids:
                continue  # the relay's repeat
            self._ids.add(id)
            submission = headers["ce_submissionid"].decode()
            self._seen.add(submission)
            if waited_for := self._awaited.pop(submission, None):
                waited_for.set()
            if headers["ce_type"].decode() == APPLIED_FOR:
                self.applications.put_nowait(record.value)


def admin_access(system: LocalSystem) -> dict[str, Any]:
    """aiokafka's settings for the user with full read access."""
    return {
        "bootstrap_servers": system.kafka.bootstrap,
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "admin",
        "sasl_plain_password": system.kafka.admin_password,
    }
