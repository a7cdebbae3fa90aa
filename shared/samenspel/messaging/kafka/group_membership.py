"""Membership of consumer groups: a service joins while its database answers, and leaves when it falls silent."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import structlog
from faststream.kafka import KafkaBroker

from samenspel.messaging.kafka.consumer import PartitionConsumer
from samenspel.messaging.kafka.subscriptions import consumers
from samenspel.runtime.database_health import DatabaseHeartbeat

log = structlog.get_logger()

LEAVE_SECONDS_MAX: Final = 10.0
CHECK_SECONDS: Final = 1.0


class GroupMembership:
    """Joins and leaves the consumer groups of a service.

    ``join`` returns a broker that has joined. ``finish`` waits until the records that were read have been decided.
    """

    def __init__(
        self,
        heartbeat: DatabaseHeartbeat,
        join: Callable[[], Awaitable[KafkaBroker]],
        finish: Callable[[], Awaitable[None]],
    ) -> None:
        self._heartbeat = heartbeat
        self._join = join
        self._finish = finish
        self._broker: KafkaBroker | None = None

    async def run(self) -> None:
        """Join and leave until cancelled. Raises the error of ``join`` when Kafka is unreachable."""
        while True:
            await self._heartbeat.answers.wait()
            self._broker = await self._join()
            await self._wait_until_lost()
            broker, self._broker = self._broker, None
            await _leave(broker)
            await self._finish()

    async def _wait_until_lost(self) -> None:
        """Wait until the database is silent or a consumer has failed."""
        while not any(consumer.has_failed for consumer in self.consumers()):
            with suppress(TimeoutError):
                async with asyncio.timeout(CHECK_SECONDS):
                    await self._heartbeat.silent.wait()
                return
        log.error("a background task of a consumer has ended; leaving and rejoining the consumer groups")

    async def stop(self) -> None:
        """Stop the broker after the cancellation of `run`, and finish the records that were read."""
        if self._broker is not None:
            await self._broker.stop()
        await self._finish()

    def consumers(self) -> list[PartitionConsumer]:
        return consumers(self._broker) if self._broker else []

    def problems(self) -> dict[str, str]:
        """Current problems of database and consumer, by name, for the readiness report."""
        if self._heartbeat.silent.is_set():
            return {"database": "does not answer; until then other instances process the records of Kafka"}
        return {} if self._broker else {"consumer": "not connected to Kafka yet"}


async def _leave(broker: KafkaBroker) -> None:
    """Leave the groups: stop the consumers, then the broker.

    The consumers do not wait for a batch that waits for the database, because the fence will refuse the batch. When
    Kafka is unreachable, the session expires at Kafka, and this function returns after `LEAVE_SECONDS_MAX`.
    """
    stops = [*(consumer.stop() for consumer in consumers(broker)), broker.stop()]
    await asyncio.wait([asyncio.gather(*stops, return_exceptions=True)], timeout=LEAVE_SECONDS_MAX)
