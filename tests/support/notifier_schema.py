"""A notifier's tables with subscriptions and a feed, filled like the running notifier."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from samenspel.contracts.catalogue import SUBSCRIPTION
from samenspel.contracts.notifications import Subscription, SubscriptionTerms
from samenspel.contracts.topics import INITIATIVES, LANES_LOCAL, NOTIFICATIONS, LaneId
from samenspel.messaging.decisions import aggregates
from samenspel.messaging.decisions.state import StoredAggregate
from samenspel.messaging.projections import checkpoints
from samenspel.messaging.projections.projector import Projector

from services.notifier.deliveries import queue
from services.notifier.deliveries.queue import Delivery, DeliveryLimits, FullSubscriptions, RunningAttempts
from services.notifier.feed import FeedWriter
from services.notifier.store import endpoints, subscriptions
from tests.support.events import new_id
from tests.support.lane_owner import Owner
from tests.support.memory_log import Log, Reader, as_read
from tests.support.service_schema import Room

CITY = "00000099000000000344"
URL = "https://utrecht.example/hook"
DEFAULT = DeliveryLimits()
ADD_NOTIFICATION = """
insert into feed (topic, lane, timeline, sequence, id, type, subject, aggregate, organisation, headers, value)
values ($1, 0, 1, $2, $3, 't', $3, 'subscription.v2', $4, convert_to(E'ce_subject:' || $3 || E'\n', 'UTF8'), '{}')
"""
ADVANCE = """
insert into checkpoint (topic, lane, sequence) values ($1, 0, $2)
on conflict (topic, lane) do update set sequence = excluded.sequence
"""


@dataclass(slots=True)
class NotifierSchema:
    room: Room
    owner: Owner = field(default_factory=Owner)

    async def publish(self, *subjects: str) -> None:
        """An event on each subject, on lane 0 of the initiatives, in the feed."""
        records = [as_read(self.owner.publish(subject)) for subject in subjects]
        async with self.room.pool.acquire() as connection:
            await checkpoints.load(connection, [(INITIATIVES, 0)])
        projector = Projector(self.room.pool, Log(), lambda number: None, FeedWriter())  # type: ignore[arg-type]
        await projector(Reader(), records)  # type: ignore[arg-type]  # lists for Kafka

    async def publish_subscription(self, organisation: str, subject: str) -> None:
        """One event about a subscription of an organisation, in the feed."""
        pool = self.room.pool
        sequence = 1 + await pool.fetchval("select count(*) from feed where topic = $1", NOTIFICATIONS)
        await pool.execute(ADD_NOTIFICATION, NOTIFICATIONS, sequence, subject, organisation)
        await pool.execute(ADVANCE, NOTIFICATIONS, sequence)

    async def subscribe(
        self,
        delivery: Literal["push", "pull"] = "push",
        start: Literal["now", "beginning"] = "beginning",
        types: Sequence[str] = (),
        organisation: str = CITY,
        ends: Mapping[LaneId, int] | None = None,
    ) -> Subscription:
        """An accepted subscription. ``ends`` are those of the lanes in Kafka; without ``ends``, all is applied."""
        state = Subscription(subscription_id=new_id(), organisation=organisation, status="active", version=1)
        terms = SubscriptionTerms(types=tuple(types), start=start, delivery=delivery)
        pool = self.room.pool
        if delivery == "push":
            await endpoints.insert(pool, organisation, state.subscription_id, URL, "sealed")
        reference = SUBSCRIPTION.name, state.subscription_id
        private = terms.model_dump_json(exclude_none=True).encode()
        stored = StoredAggregate(state.model_dump_json(exclude_none=True).encode(), private=private)
        async with pool.acquire() as connection, connection.transaction():
            await aggregates.save(connection, {reference: stored}, {reference: (NOTIFICATIONS, 0)})
            await subscriptions.activate(connection, state, terms, LANES_LOCAL, ends or {})
        return state

    async def enqueue(self, pending: int = 2_000) -> None:
        """Open deliveries for all new events of the feed."""
        full = FullSubscriptions()
        while (await queue.enqueue_new(self.room.pool, pending, full)).cursors:
            pass

    async def claim(self, limits: DeliveryLimits = DEFAULT, running: RunningAttempts | None = None) -> list[Delivery]:
        """Opened and due deliveries, claimed for a minute."""
        await self.enqueue(limits.pending)
        return await queue.claim(self.room.pool, running or RunningAttempts(), limits, 60, "me")
