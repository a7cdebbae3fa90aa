"""A service's place in its consumer groups: held as long as its database answers, and given up when it does not."""

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
    """``join`` gives a broker that has joined; ``finish`` waits for what was read and is being decided."""

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
        """Until cancelled. Raises when Kafka is away."""
        while True:
            await self._heartbeat.answers.wait()
            self._broker = await self._join()
            await self._wait_until_lost()
            broker, self._broker = self._broker, None
            await _leave(broker)
            await self._finish()

    async def _wait_until_lost(self) -> None:
        """Until the database is silent, or a reader will read no more."""
        while not any(reader.has_failed for reader in self.consumers()):
            with suppress(TimeoutError):
                async with asyncio.timeout(CHECK_SECONDS):
                    await self._heartbeat.silent.wait()
                return
        log.error("a reader has lost a part of itself; the groups are left and joined again")

    async def stop(self) -> None:
        """Once `run` is cancelled: what is at hand is finished first."""
        if self._broker is not None:
            await self._broker.stop()
        await self._finish()

    def consumers(self) -> list[PartitionConsumer]:
        return consumers(self._broker) if self._broker else []

    def problems(self) -> dict[str, str]:
        """What is not in order now, by name."""
        if self._heartbeat.silent.is_set():
            return {"database": "does not answer; what comes over Kafka is left to other instances until it does"}
        return {} if self._broker else {"consumer": "not connected to Kafka yet"}


async def _leave(broker: KafkaBroker) -> None:
    """The readers first: a batch that still waits for the database keeps nobody waiting, for it will be fenced off.

    With Kafka away there is nobody to tell: the session ends by itself, and so does this.
    """
    stops = [*(reader.stop() for reader in consumers(broker)), broker.stop()]
    await asyncio.wait([asyncio.gather(*stops, return_exceptions=True)], timeout=LEAVE_SECONDS_MAX)
