"""The log of all lanes, read as a further replica and judged by the law of lanes."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import orjson
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from samenspel.contracts.topics import CANONICAL, DOMAIN_OF, LANES_LOCAL, RECEIPTS, receipts

from tests.support.invariants import Cause, Name, Replay
from tests.support.organisations import Organisation
from tests.support.waiting import eventually

Fact = tuple[str, int, str, str]
"""An event in a receipt: lane, sequence, id and type."""
Answer = dict[str, Any]

POLL_MS: Final = 200


class Log:
    """The content of Kafka so far. After a broken invariant `follow` has ended, and `require_whole` raises."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._replay = Replay()
        self._reading = asyncio.create_task(self._read())
        self.lanes = self._replay.lanes
        self.digests: dict[Name, list[str]] = defaultdict(list)
        """Per canonical lane the digest after each event, by sequence: the first is number 1."""
        self.facts: dict[Cause, list[Fact]] = defaultdict(list)
        self.answers: dict[str, list[Answer]] = defaultdict(list)
        """The answers to each submission, by id."""
        self.states: dict[str, list[Any]] = defaultdict(list)
        """The data of each canonical event, by key."""

    def require_whole(self) -> None:
        """Raise the error from reading."""
        if self._reading.done():
            self._reading.result()

    def has_answered(self, id: str) -> bool:
        """Whether this submission has a final answer."""
        self.require_whole()
        return any(answer["outcome"] in ("accepted", "rejected") for answer in self.answers[id])

    async def reach(self, name: Name, sequence: int, seconds: float) -> None:
        """Wait until this event stands on the lane."""

        def reaches() -> bool:
            self.require_whole()
            return name in self.lanes and len(self.lanes[name].records) >= sequence

        await eventually(reaches, seconds, f"{name} up to {sequence}")

    async def close(self) -> None:
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> None:
        while True:
            for records in (await self._consumer.getmany(timeout_ms=POLL_MS)).values():
                for record in records:
                    if self._replay.take(record):
                        self._keep(record)

    def _keep(self, record: ConsumerRecord) -> None:
        data = orjson.loads(record.value)
        if record.topic.startswith(RECEIPTS):
            for answer in data["answers"]:
                self.answers[answer["id"]].append(answer)
            return
        headers = {name: value.decode() for name, value in record.headers}
        cause = headers["ce_authid"].rpartition(":")[2], headers["ce_submissionsource"], headers["ce_submissionid"]
        self.facts[cause].append(
            (headers["ce_lane"], int(headers["ce_sequence"]), headers["ce_id"], headers["ce_type"])
        )
        self.digests[record.topic, record.partition].append(headers["ce_statedigest"])
        self.states[headers["ce_partitionkey"]].append(data)


@asynccontextmanager
async def following(organisations: Sequence[Organisation]) -> AsyncIterator[Log]:
    """The canonical lanes, and all receipts of these organisations."""
    system = organisations[0].system
    admin = {"sasl_plain_username": "admin", "sasl_plain_password": system.kafka.admin_password}
    places = [TopicPartition(topic, lane) for topic in CANONICAL for lane in range(LANES_LOCAL)]
    places += [
        TopicPartition(receipts(domain, each.oin), 0) for domain in DOMAIN_OF.values() for each in organisations
    ]
    consumer = AIOKafkaConsumer(
        **{**organisations[0].kafka, **admin}, group_id=None, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    try:
        await consumer.start()
        consumer.assign(places)
        log = Log(consumer)
        try:
            yield log
        finally:
            await log.close()
    finally:
        await consumer.stop()
