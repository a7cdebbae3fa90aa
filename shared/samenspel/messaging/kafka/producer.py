"""The relay's producer: started when needed, and discarded after any error, because the sent records are unknown."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import structlog
from aiokafka import AIOKafkaProducer

from samenspel.messaging.kafka import connection_patch
from samenspel.messaging.kafka.journal_batches import JournalBatchBuilder
from samenspel.runtime import failpoints

log = structlog.get_logger()
connection_patch.patch_aiokafka()

BATCH_BYTES_MAX: Final = 900_000
STOP_SECONDS_MAX: Final = 1.0


class Producer:
    """Holder of one idempotent aiokafka producer; ``settings`` are aiokafka's connection settings."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self._producer: AIOKafkaProducer | None = None

    async def connected(self) -> AIOKafkaProducer:
        """The running or a new producer. Raises `KafkaError` when Kafka is unreachable."""
        if self._producer is None:
            producer = AIOKafkaProducer(
                **self._settings,
                acks="all",
                enable_idempotence=True,
                linger_ms=0,
                max_batch_size=BATCH_BYTES_MAX,
                max_request_size=BATCH_BYTES_MAX + 100_000,
            )
            try:
                failpoints.reached("producer.start")
                await producer.start()
            except BaseException:
                await producer.stop()
                raise
            self._producer = producer
        return self._producer

    def create_batch(self) -> JournalBatchBuilder:
        """An empty batch for `AIOKafkaProducer.send_batch`."""
        return JournalBatchBuilder(BATCH_BYTES_MAX)

    async def discard(self) -> None:
        """Stop the producer within a second."""
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                async with asyncio.timeout(STOP_SECONDS_MAX):
                    await producer.stop()
            except Exception as error:
                log.warning("producer discarded without a clean stop", error=error)
