"""Receipts of one organisation, read from the present end of the topics."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from samenspel.client.access.errors import EnvironmentUnavailable
from samenspel.client.access.kafka import aiokafka_settings, connect
from samenspel.client.access.profile import Credential, KafkaAccess
from samenspel.client.submit.statements import StatementIdentity
from samenspel.contracts.receipts import Answer, Receipt
from samenspel.contracts.topics import DOMAIN_OF, receipts

FINAL: Final = ("accepted", "rejected")
_POLL_MS: Final = 200


def latest_outcome(answer: Answer) -> str:
    """Outcome of the submission; for a *repeated* answer, the outcome of the first answer."""
    return answer.first_outcome or answer.outcome


def is_final(answer: Answer) -> bool:
    """Whether no further answer to the submission follows."""
    return latest_outcome(answer) in FINAL


class ReceiptCollector:
    """Collects the latest answer to each expected submission and ignores other answers."""

    def __init__(self) -> None:
        self._latest: dict[StatementIdentity, Answer | None] = {}
        self._awaited: set[StatementIdentity] = set()
        self._changed = asyncio.Event()

    def expect(self, identities: Iterable[StatementIdentity]) -> None:
        """Expect answers to these submissions. Call before sending."""
        for identity in identities:
            self._latest[identity] = None
            self._awaited.add(identity)

    async def wait_for_final(self, identities: Iterable[StatementIdentity], within: float) -> list[Answer | None]:
        """Return the final answer to each submission; after ``within`` seconds, *deferred* or None."""
        wanted = list(identities)
        try:
            async with asyncio.timeout(within):
                while not self._awaited.isdisjoint(wanted):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            self._awaited.difference_update(wanted)
        found = [self._latest.get(identity) for identity in wanted]
        for identity in wanted:
            self._latest.pop(identity, None)
        return found

    def add(self, value: bytes) -> None:
        """Add one record of a receipts topic; an invalid record is ignored, and so are fields of a later version."""
        try:
            receipt = Receipt.model_validate_json(value, extra="ignore")
        except ValidationError:
            return
        for answer in receipt.answers:
            identity = answer.source, answer.id
            if identity in self._awaited:
                self._latest[identity] = answer
                if is_final(answer):
                    self._awaited.discard(identity)
                    self._changed.set()


@asynccontextmanager
async def collect_receipts(access: KafkaAccess, credential: Credential) -> AsyncIterator[ReceiptCollector]:
    """Read the receipts topics from their present end: no answer to a later submission is missed.

    Raises EnvironmentUnavailable.
    """
    consumer = AIOKafkaConsumer(
        **aiokafka_settings(access, credential),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="latest",
    )
    async with connect(consumer, access, credential):
        partitions = [TopicPartition(receipts(domain, credential.oin), 0) for domain in DOMAIN_OF.values()]
        consumer.assign(partitions)
        try:
            ends = await consumer.end_offsets(partitions)
        except KafkaError:
            raise EnvironmentUnavailable(
                f"{credential.name} has no receipts topics at {access.bootstrap}: "
                "`samenspel organisation admit` creates the topics"
            ) from None
        for partition, end in ends.items():
            consumer.seek(partition, end)
        collector = ReceiptCollector()
        reading = asyncio.create_task(_read(consumer, collector))
        try:
            yield collector
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def _read(consumer: AIOKafkaConsumer, collector: ReceiptCollector) -> None:
    while True:
        for records in (await consumer.getmany(timeout_ms=_POLL_MS)).values():
            for record in records:
                collector.add(record.value)
