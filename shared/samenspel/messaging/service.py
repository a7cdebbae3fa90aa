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

from samenspel.contracts.topics import INGRESS, organisation_of, receipts
from samenspel.messaging import lanes, points
from samenspel.messaging.answers import Answered, Inbound
from samenspel.messaging.desk import Desk, Handlers
from samenspel.messaging.doors import open_door, stands_at
from samenspel.messaging.errors import PASSING, DoorsClosed, FenceLost, LaneMissing
from samenspel.messaging.gate import Gate
from samenspel.messaging.heartbeat import Heartbeat
from samenspel.messaging.ingress import Ingress
from samenspel.messaging.membership import Membership
from samenspel.messaging.probe import Probe
from samenspel.messaging.projector import Follower, Projector
from samenspel.messaging.relay import Relay
from samenspel.messaging.room import Room
from samenspel.messaging.subscribing import Subscription, ingress_pattern, subscribe
from samenspel.messaging.upkeep import Upkeep
from samenspel.messaging.waker import Waker
from samenspel.runtime.metrics import APPLIED, PUBLISHED
from samenspel.runtime.postgres import Pool, connect, hang_up
from samenspel.runtime.settings import ServiceSettings
from samenspel.runtime.turns import Turns

log = structlog.get_logger()

DOOR_SECONDS_MAX: Final = 5.0
SUBMISSIONS_AT_ONCE: Final = 4
"""Of one organisation over HTTP, per instance: half of the database connections there are by default."""
RESTART_SECONDS: Final = 0.5


class NotAdmitted(Exception):
    """The organisation has no receipts topic: it has not been admitted."""


class Messaging:
    """Start, stop, readiness and the HTTP door's way to the desk. ``follows`` are the canonical topics it copies."""

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
        self._room = Room()
        self.heartbeat = _heartbeat(name, settings, pool)
        self.ingress = Ingress(self.desk, pool, self._settled, self._room)
        self.projector = Projector(pool, self.probe, self._applied, follower)
        self._membership = Membership(self.heartbeat, self._join, self.ingress.finish)
        self._tasks: list[asyncio.Task[None]] = []
        self._receipts_ready: set[str] = set()
        self.turns = Turns(SUBMISSIONS_AT_ONCE)
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
            "consumer": self._membership.run,
        }
        self._tasks = [asyncio.create_task(_supervised(name, run), name=name) for name, run in parts.items()]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._membership.end()
        await self.probe.close()
        await self._relay_probe.close()

    async def amiss(self) -> dict[str, str]:
        """What is not in order now, by name; empty when this service is ready."""
        found = {f"door {lane}": reason for lane, reason in self.gate.closed.items()}
        if self.gate.is_behind:
            found["recover"] = (
                f"Kafka holds what this database has lost: `samenspel lanes recover {self._name}` brings it back"
            )
        found |= {f"lane {lane}": "stalled: the log misses an event" for lane in self.projector.stalled}
        found |= {
            f"lane {lane}": f"its owner started it anew: made again from timeline {timeline}"
            for lane, timeline in self.projector.rebuilding.items()
        }
        found |= {f"lane {lane}": f"diverged at {at}" for lane, at in self.projector.diverged.items()}
        if self.gate.is_blind or not self.relay.connected:
            found["relay"] = "Kafka or PostgreSQL is away, or not compared yet"
        if lack := self._room.lack:
            found["database"] = f"cannot store: {lack}"
        return found | self._membership.amiss()

    async def submit(self, organisation: str, inbound: Sequence[Inbound]) -> list[Answered]:
        """The HTTP door: decide these now, in one transaction.

        Raises `NotAdmitted`, or one of `PASSING` when the surroundings are away: nothing was stored then.
        """
        await self._ensure_receipts(organisation)
        async with asyncio.timeout(DOOR_SECONDS_MAX):
            while True:
                try:
                    points.reached("http.begin")
                    async with self._pool.acquire() as connection, connection.transaction():
                        answered = await self.desk.settle(connection, inbound)
                        points.reached("http.commit")
                    break
                except (FenceLost, DoorsClosed, LaneMissing):
                    if self.gate.closed:
                        raise
                    await asyncio.sleep(0.02)
                except PASSING as error:
                    self._room.note(error)
                    raise
        self._settled(len(answered))
        return answered

    def _settled(self, _: int) -> None:
        self.relay.wake()

    def _applied(self, number: int) -> None:
        APPLIED.inc(number)
        self.waker.wake()
        for call in self.after_apply:
            call()

    def _look_again(self) -> None:
        """The database is in another life: what was read may not be what it holds, so ask it where to read on."""
        self._receipts_ready.clear()
        for reader in self._membership.readers():
            for partition in reader.assignment():
                reader.reopen(partition)

    async def _ensure_lanes(self) -> None:
        async with self._pool.acquire() as connection:
            await lanes.ensure(
                connection, [(topic, lane) for topic in self._owns for lane in range(self._settings.lanes)]
            )

    async def _ensure_receipts(self, organisation: str) -> None:
        if organisation in self._receipts_ready:
            return
        topic = receipts(self.desk.handlers.domain, organisation)
        try:
            await self.probe.bounds(TopicPartition(topic, 0))
        except LookupError:
            raise NotAdmitted(NotAdmitted.__doc__) from None
        async with self._pool.acquire() as connection:
            await lanes.ensure(connection, [(topic, 0)])
        self._receipts_ready.add(organisation)
        self.relay.wake()

    async def _open(self, partition: TopicPartition, known: bool) -> int:
        """Every admission has all partitions assigned anew: what was being read is not looked at in Kafka again."""
        if not partition.topic.startswith(INGRESS + "."):
            return await self.projector.open_lane(partition)
        await self._ensure_receipts(organisation_of(partition.topic))
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
