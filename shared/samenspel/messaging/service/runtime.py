"""The messaging parts of a service process, wired together, started and stopped."""

import asyncio
import platform
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final
from uuid import NAMESPACE_DNS, UUID, uuid5

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from faststream.kafka import KafkaBroker
from uuid_utils import uuid7

from samenspel.contracts.canonical import CanonicalEvent
from samenspel.contracts.topics import INGRESS, ORGANISATIONS, organisation_of
from samenspel.messaging.decisions.decider import Decider
from samenspel.messaging.decisions.processor import SubmissionProcessor
from samenspel.messaging.errors import TRANSIENT
from samenspel.messaging.inbox.offsets import resume_offsets
from samenspel.messaging.inbox.storage_budget import StorageBudget
from samenspel.messaging.ingress.deferral_worker import DeferralWorker
from samenspel.messaging.ingress.kafka_receiver import KafkaReceiver
from samenspel.messaging.ingress.submitter import NotAdmitted, Submitter
from samenspel.messaging.kafka.group_membership import GroupMembership
from samenspel.messaging.kafka.log_reader import LogReader
from samenspel.messaging.kafka.subscriptions import TopicSubscription, ingress_pattern, subscribe
from samenspel.messaging.operator.lane_operations import LaneOperations
from samenspel.messaging.outbox import journal
from samenspel.messaging.outbox.recent_rows import RecentRows
from samenspel.messaging.outbox.reconciler import Reconciler
from samenspel.messaging.outbox.relay import Relay
from samenspel.messaging.projections.catch_up import is_caught_up
from samenspel.messaging.projections.projector import Projector
from samenspel.messaging.service.definition import ServiceDefinition
from samenspel.messaging.service.hash_key_check import HashKeyCheck
from samenspel.messaging.service.ingress_discovery import IngressDiscovery
from samenspel.messaging.service.retention_worker import RetentionWorker
from samenspel.runtime.database_health import DatabaseHeartbeat, StorageFull
from samenspel.runtime.dependencies import Dependencies, Dependency
from samenspel.runtime.metrics import APPLIED_EVENTS, RELAYED_EVENTS
from samenspel.runtime.postgres import Pool, connect, terminate_connections
from samenspel.runtime.settings import ServiceSettings

log = structlog.get_logger()

RESTART_SECONDS: Final = 0.5


class ServiceRuntime:
    """Start and stop of a service's messaging. The parts are public; readiness and metrics read them."""

    def __init__(
        self, definition: ServiceDefinition, settings: ServiceSettings, pool: Pool, dependencies: Dependencies
    ) -> None:
        self._definition = definition
        self._settings = settings
        self._pool = pool
        decider, kafka = definition.decider(pool), settings.kafka()
        self.storage = StorageFull()
        self.log_reader, self._relay_log_reader = LogReader(kafka), LogReader(kafka)
        self.heartbeat = _heartbeat(definition.name, settings, pool, dependencies.database)
        self.hash_keys = HashKeyCheck(settings.hash_keys(), decider.types.values())
        self.processor = _processor(definition, settings, decider)
        self.reconciler = Reconciler(pool, self._relay_log_reader, self._reset_positions)
        recent = RecentRows()
        self.relay = Relay(pool, self.reconciler, kafka, _holder(settings), RELAYED_EVENTS.inc, recent)
        turns = settings.limit_http_submissions
        self.submitter = Submitter(
            self.processor, pool, self.log_reader, self.reconciler, self.storage, self._on_commit, turns
        )
        self.kafka_receiver = KafkaReceiver(self.processor, pool, self._on_commit, self.storage, recent)
        self.deferral_worker = DeferralWorker(self.processor, pool, self._on_commit, self._terms_run)
        self.retention_worker = RetentionWorker(pool, settings.receipts_retention)
        listener = definition.listener(pool) if definition.listener else None
        self.projector = Projector(pool, self.log_reader, self._on_apply, listener)
        self.lane_operations = self._lane_operations(decider)
        self.membership = GroupMembership(self.heartbeat, self._join, self.kafka_receiver.finish)
        self.ingress_discovery = IngressDiscovery(
            pool,
            self.log_reader,
            decider.domain,
            self.membership.consumers,
            owns_organisations=ORGANISATIONS in definition.owns,
        )
        self.after_apply: list[Callable[[], None]] = []
        """Called after each commit of applied events. A callback must not block."""
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Create the lane rows and start all background tasks. An unreachable Kafka is retried in the background.

        Raises the error of PostgreSQL; then no task has started.
        """
        await self._ensure_lanes()
        await self.watch_divergence()
        parts = {
            "heartbeat": self.heartbeat.run,
            "relay": self.relay.run,
            "reconciler": self.reconciler.watch,
            "deferral worker": self.deferral_worker.run,
            "retention worker": self.retention_worker.run,
            "consumer": self.membership.run,
            "ingress discovery": self.ingress_discovery.run,
        }
        self._tasks = [asyncio.create_task(_supervised(name, run), name=name) for name, run in parts.items()]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.membership.stop()
        await self.submitter.stop()
        await asyncio.gather(self.log_reader.close(), self._relay_log_reader.close())

    async def watch_divergence(self) -> None:
        """Take over what other instances know about diverged lanes, and read on where no needed lane is diverged."""
        async with self._pool.acquire() as connection:
            await self.projector.refresh_diverged(connection)
        released = self.kafka_receiver.release(self.projector.diverged.keys())
        for reader in self.membership.consumers():
            for partition in released:
                reader.end_pause(partition)

    def _lane_operations(self, decider: Decider) -> LaneOperations:
        settings = self._settings
        return LaneOperations(
            self._pool,
            lambda: LogReader(settings.kafka()),
            self.reconciler,
            decider,
            self._definition.owns,
            settings.lanes,
            self.relay.wake,
            self.hash_keys.keys,
        )

    def _on_commit(self, _: int) -> None:
        self.relay.wake()

    def _on_apply(self, events: Sequence[CanonicalEvent]) -> None:
        APPLIED_EVENTS.inc(len(events))
        self.deferral_worker.wake((event.aggregate, event.subject) for event in events)
        for call in self.after_apply:
            call()

    async def _terms_run(self) -> bool:
        """Whether a passed deadline counts now. An aggregate may have arrived in Kafka, and not been applied yet."""
        try:
            return await self._has_read(self._definition.follows)
        except (KafkaError, *TRANSIENT) as error:
            log.warning("deadlines of deferred submissions wait for Kafka", error=repr(error))
            return False

    async def knows_organisations(self) -> bool:
        """Whether everything that was published about organisations is in this database."""
        if ORGANISATIONS in self._definition.owns:
            return not (self.reconciler.closed_lanes or self.reconciler.needs_recovery)
        try:
            return await self._has_read([topic for topic in self._definition.follows if topic == ORGANISATIONS])
        except (KafkaError, *TRANSIENT):
            return False

    async def _has_read(self, topics: Sequence[str]) -> bool:
        lanes = [(topic, lane) for topic in topics for lane in range(self._settings.lanes)]
        return await is_caught_up(self._pool, self.log_reader, lanes)

    def _reset_positions(self) -> None:
        """Read all partitions again from the stored positions: the database may have been restored."""
        self.submitter.forget_lanes()
        for reader in self.membership.consumers():
            for partition in reader.assignment():
                reader.reset_position(partition)

    async def _ensure_lanes(self) -> None:
        lanes = [(topic, lane) for topic in self._definition.owns for lane in range(self._settings.lanes)]
        async with self._pool.acquire() as connection:
            await journal.ensure(connection, lanes)

    async def _resolve_offsets(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int | Exception]:
        """The offset to read each newly assigned partition from, or the error of that partition.

        A consumer has ingress topics or canonical topics, never both. The number of requests and statements does not
        depend on the number of partitions.
        """
        topics = {each.topic for each in partitions}
        if not all(map(_is_ingress, topics)):
            return await self.projector.resume_offsets(partitions)
        missing = await self.submitter.ensure_all_receipts(list(map(organisation_of, topics)))
        admitted = {each for each in topics if organisation_of(each) not in missing}
        async with self._pool.acquire() as connection:
            found = await resume_offsets(connection, self.log_reader, admitted)
        return {each: found.get(each.topic, NotAdmitted(NotAdmitted.__doc__)) for each in partitions}

    def _on_positioned(self, partition: TopicPartition, offset: int) -> None:
        if _is_ingress(partition.topic):
            self.kafka_receiver.positioned(partition.topic, offset)

    async def _join(self) -> KafkaBroker:
        domain, follows = self.processor.decider.domain, self._definition.follows
        subscriptions = [TopicSubscription("ingress", self.kafka_receiver, pattern=ingress_pattern(domain))]
        if follows:
            subscriptions.append(TopicSubscription("canonical", self.projector, topics=follows))
        return await subscribe(
            self._definition.name,
            self._settings,
            subscriptions,
            resolve_offsets=self._resolve_offsets,
            on_positioned=self._on_positioned,
        )


def _is_ingress(topic: str) -> bool:
    return topic.startswith(INGRESS + ".")


def _processor(definition: ServiceDefinition, settings: ServiceSettings, decider: Decider) -> SubmissionProcessor:
    source = f"urn:nld:oin:{settings.operator_oin}:systeem:samenspel-{definition.name}"
    storage = StorageBudget(settings.limit_stored_bytes)
    return SubmissionProcessor(
        decider,
        source,
        settings.lanes,
        lambda: str(uuid7()),
        lambda: datetime.now(UTC),
        settings.hash_keys(),
        storage,
        settings.patience(),
        settings.limit_deferrals,
        bool(definition.follows),
    )


def _holder(settings: ServiceSettings) -> UUID:
    """Lease holder id from host and port: a restarted instance takes the lease back at once."""
    return uuid5(NAMESPACE_DNS, f"{platform.node()}:{settings.http_port}")


def _heartbeat(name: str, settings: ServiceSettings, pool: Pool, database: Dependency) -> DatabaseHeartbeat:
    """Heartbeat. A silent database closes the pool's connections, so no query hangs."""
    password = settings.postgres_password.get_secret_value()
    ask = partial(connect, settings.postgres_dsn, password, f"samenspel-{name}-heartbeat")
    return DatabaseHeartbeat(ask, partial(terminate_connections, pool), database)


async def _supervised(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Restart ``run`` after any error except our own cancellation, and log the error.

    aiokafka's ``stop()`` can leak a CancelledError when Kafka is unreachable; such an error must not end the task.
    """
    me = asyncio.current_task()
    while True:
        try:
            return await run()
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and me is not None and me.cancelling():
                raise
            if isinstance(error, (KafkaError, *TRANSIENT)):
                log.warning("task interrupted; restarted", part=name, error=error)
            else:
                log.exception("task failed; restarted", part=name, exc_info=error)
            await asyncio.sleep(RESTART_SECONDS)
