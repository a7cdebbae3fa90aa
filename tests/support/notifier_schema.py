"""A notifier's tables with subscriptions and a feed, filled like the running notifier."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from samenspel.contracts.catalogue import SUBSCRIPTION
from samenspel.contracts.notifications import Subscription
from samenspel.contracts.topics import INITIATIVES, LANES_LOCAL, NOTIFICATIONS
from samenspel.messaging.decisions import aggregates
from samenspel.messaging.decisions.state import StoredAggregate
from samenspel.messaging.projections import checkpoints
from samenspel.messaging.projections.projector import Projector

from services.notifier.deliveries import queue
from services.notifier.deliveries.queue import Delivery
from services.notifier.feed import FeedWriter
from services.notifier.store import endpoints, subscriptions
from tests.support.events import new_id
from tests.support.lane_owner import Owner
from tests.support.memory_log import Log, Reader, as_read
from tests.support.service_schema import Room

CITY = "00000099000000000344"
URL = "https://utrecht.example/hook"


@dataclass(slots=True)
class NotifierSchema:
    room: Room
    owner: Owner = field(default_factory=Owner)

    async def publish(self, *subjects: str) -> None:
        """An event on each subject, on lane 0 of the initiatives, in the feed."""
        records = [as_read(self.owner.publish(subject)) for subject in subjects]
        async with self.room.pool.acquire() as connection:
            await checkpoints.load(connection, (INITIATIVES, 0))
        projector = Projector(self.room.pool, Log(), lambda number: None, FeedWriter())  # type: ignore[arg-type]
        await projector(Reader(), records)  # type: ignore[arg-type]  # lists for Kafka

    async def subscribe(
        self,
        delivery: Literal["push", "pull"] = "push",
        start: Literal["now", "beginning"] = "beginning",
        types: Sequence[str] = (),
    ) -> Subscription:
        """An accepted subscription of `CITY`."""
        state = Subscription(
            subscription_id=new_id(),
            organisation=CITY,
            types=tuple(types),
            start=start,
            delivery=delivery,
            status="active",
            version=1,
        )
        pool = self.room.pool
        if delivery == "push":
            await endpoints.insert(pool, CITY, state.subscription_id, URL, "sealed")
        reference = SUBSCRIPTION.name, state.subscription_id
        stored = StoredAggregate(state.model_dump_json(exclude_none=True).encode())
        async with pool.acquire() as connection, connection.transaction():
            await aggregates.save(connection, {reference: stored}, {reference: (NOTIFICATIONS, 0)})
            await subscriptions.activate(connection, state, LANES_LOCAL)
        return state

    async def claim(self, at_once: int = 10, **running: int) -> list[Delivery]:
        """Opened and due deliveries, claimed for a minute."""
        while await queue.enqueue_new(self.room.pool):
            pass
        return await queue.claim(self.room.pool, running, at_once, 60, "me")
