"""One service's messaging, put together: doors, desk, consumer, relay and waker."""

import asyncio
import platform
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final
from uuid import NAMESPACE_DNS, UUID, uuid5

import structlog
from aiokafka import TopicPartition
from faststream.kafka import KafkaBroker
from uuid_utils import uuid7

from samenspel.contracts.topics import INGRESS, organisation_of
from samenspel.messaging.decisions.decider import Handlers
from samenspel.messaging.decisions.processor import Desk
from samenspel.messaging.inbox.offsets import open_door, stands_at
from samenspel.messaging.ingress.deferral_worker import Waker
from samenspel.messaging.ingress.kafka_receiver import Ingress
from samenspel.messaging.ingress.submitter import Submitter
from samenspel.messaging.kafka.group_membership import Membership
from samenspel.messaging.kafka.log_reader import Probe
from samenspel.messaging.kafka.subscriptions import Subscription, ingress_pattern, subscribe
from samenspel.messaging.operator.lane_operations import Upkeep
from samenspel.messaging.outbox import journal
from samenspel.messaging.outbox.reconciler import Gate
from samenspel.messaging.outbox.relay import Relay
from samenspel.messaging.projections.projector import Follower, Projector
from samenspel.runtime.database_health import Heartbeat, Room
from samenspel.runtime.metrics import APPLIED, PUBLISHED
from samenspel.runtime.postgres import Pool, connect, hang_up
from samenspel.runtime.settings import ServiceSettings

log = structlog.get_logger()

RESTART_SECONDS: Final = 0.5


class Messaging:
    """Start, stop, readiness and what its parts know. ``follows`` are the canonical topics it copies."""

    def __init__(
        self,
        name: str,
        settings: ServiceSettings,
        pool: Pool,
        handlers: Handlers,
        owns: Sequence[str],
        follows: Sequence[str] = (),
        follower: Follower | None = None,
    ) -> None:
        self._name = name
        self._settings = settings
        self._pool = pool
        self._owns = owns
        self._follows = follows
        source = f"urn:nld:oin:{settings.operator_oin}:systeem:samenspel-{name}"
        self.desk = Desk(handlers, source, settings.lanes, lambda: str(uuid7()), lambda: datetime.now(UTC))
        self.probe = Probe(settings.kafka())
        self._relay_probe = Probe(settings.kafka())
        self.gate = Gate(pool, self._relay_probe, self._look_again)
        self.relay = Relay(pool, self.gate, settings.kafka(), _holder(settings), PUBLISHED.inc)
        self.upkeep = Upkeep(
            pool, lambda: Probe(settings.kafka()), self.gate, handlers, owns, settings.lanes, self.relay.wake
        )
        self.waker = Waker(self.desk, pool, self._settled)
        self.room = Room()
        self.submitter = Submitter(self.desk, pool, self.probe, self.gate, self.room, self._settled)
        self.heartbeat = _heartbeat(name, settings, pool)
        self.ingress = Ingress(self.desk, pool, self._settled, self.room)
        self.projector = Projector(pool, self.probe, self._applied, follower)
        self.membership = Membership(self.heartbeat, self._join, self.ingress.finish)
        self._tasks: list[asyncio.Task[None]] = []
        self.after_apply: list[Callable[[], None]] = []
        """Called after each commit of applied events; must return at once."""

    async def start(self) -> None:
        """Make our lanes and start everything; a Kafka that is away is waited for, in the background."""
        await _supervised("lanes", self._ensure_lanes)
        parts = {
            "heartbeat": self.heartbeat.run,
            "relay": self.relay.run,
            "gate": self.gate.watch,
            "waker": self.waker.run,
            "consumer": self.membership.run,
        }
        self._tasks = [asyncio.create_task(_supervised(name, run), name=name) for name, run in parts.items()]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.membership.end()
        await self.probe.close()
        await self._relay_probe.close()

    def _settled(self, _: int) -> None:
        self.relay.wake()

    def _applied(self, number: int) -> None:
        APPLIED.inc(number)
        self.waker.wake()
        for call in self.after_apply:
            call()

    def _look_again(self) -> None:
        """The database is in another life: what was read may not be what it holds, so ask it where to read on."""
        self.submitter.forget_lanes()
        for reader in self.membership.readers():
            for partition in reader.assignment():
                reader.reopen(partition)

    async def _ensure_lanes(self) -> None:
        async with self._pool.acquire() as connection:
            await journal.ensure(
                connection, [(topic, lane) for topic in self._owns for lane in range(self._settings.lanes)]
            )

    async def _open(self, partition: TopicPartition, known: bool) -> int:
        """Every admission has all partitions assigned anew: what was being read is not looked at in Kafka again."""
        if not partition.topic.startswith(INGRESS + "."):
            return await self.projector.open_lane(partition)
        await self.submitter.ensure_receipts(organisation_of(partition.topic))
        async with self._pool.acquire() as connection:
            if known:
                offset = await stands_at(connection, partition.topic)
            else:
                offset = await open_door(connection, self.probe, partition.topic)
        self.ingress.opened(partition.topic, offset)
        return offset

    async def _join(self) -> KafkaBroker:
        settings, handlers = self._settings, self.desk.handlers
        subscriptions = [Subscription("ingress", self.ingress, pattern=ingress_pattern(handlers.domain))]
        if self._follows:
            subscriptions.append(Subscription("canonical", self.projector, topics=self._follows))
        return await subscribe(self._name, settings, subscriptions, opener=self._open)


def _holder(settings: ServiceSettings) -> UUID:
    """Who holds a lease: the place, so that an instance that was killed and restarted takes its own back at once."""
    return uuid5(NAMESPACE_DNS, f"{platform.node()}:{settings.http_port}")


def _heartbeat(name: str, settings: ServiceSettings, pool: Pool) -> Heartbeat:
    """When the database is silent, whatever waits for it in the pool's connections waits no longer."""
    password = settings.postgres_password.get_secret_value()
    ask = partial(connect, settings.postgres_dsn, password, f"samenspel-{name}-heartbeat")
    return Heartbeat(ask, partial(hang_up, pool))


async def _supervised(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Run until it is done or cancelled; whatever else stops it is said aloud, and it starts again.

    With Kafka away aiokafka lets the cancellation of its own fetch escape from ``stop``: that is nobody's wish.
    """
    me = asyncio.current_task()
    while True:
        try:
            return await run()
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and me is not None and me.cancelling():
                raise
            log.exception("interrupted; started again", part=name, exc_info=error)
            await asyncio.sleep(RESTART_SECONDS)
