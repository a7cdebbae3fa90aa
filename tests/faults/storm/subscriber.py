"""A subscriber in the storm, with a delivery for every phase change of an initiative."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiokafka import ConsumerRecord
from samenspel.contracts.catalogue import type_name

from tests.support.organisations import Organisation
from tests.support.subscribers import subscriber_for
from tests.support.webhook_receivers import Event, Told, receiving

TYPE = type_name("initiative-phase-changed")


@dataclass(slots=True)
class Subscription:
    """The deliveries, and the tasks waiting for a delivery."""

    told: Told
    submissions: set[str] = field(default_factory=set)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def is_told_of(self, submissions: Sequence[str]) -> None:
        while not self.submissions.issuperset(submissions):
            self.changed.clear()
            await self.changed.wait()

    def holds(self, records: Sequence[ConsumerRecord]) -> bool:
        """Whether all logged events were delivered, per subject in log order. Raises on a wrong order."""
        expected: dict[str, list[int]] = {}
        for record in records:
            headers: Mapping[str, bytes] = dict(record.headers)
            if headers["ce_type"].decode() == TYPE:
                of_subject = expected.setdefault(headers["ce_subject"].decode(), [])
                if int(headers["ce_sequence"]) not in of_subject:
                    of_subject.append(int(headers["ce_sequence"]))
        taken: dict[str, dict[int, None]] = {}
        for event, status in self.told.answers:
            if status < 300:
                taken.setdefault(event["subject"], {}).setdefault(int(event["sequence"]))
        for subject, sequences in taken.items():
            assert list(sequences) == expected[subject][: len(sequences)], f"{subject} was told in another order"
        return {subject: list(sequences) for subject, sequences in taken.items()} == expected


@asynccontextmanager
async def subscribed(organisation: Organisation) -> AsyncIterator[Subscription]:
    """A push subscription of this organisation; the receiver accepts everything."""

    async def take(event: Event, times: int) -> int:
        subscription.submissions.add(event["submissionid"])
        subscription.changed.set()
        return 204

    async with receiving(take) as told, subscriber_for(organisation) as subscriber:
        subscription = Subscription(told)
        await subscriber.subscribe(endpoint=told.url, types=[TYPE], start="beginning")
        yield subscription
