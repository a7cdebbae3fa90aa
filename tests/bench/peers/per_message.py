"""The peers with a handler per message: one subscriber for all topics, or one for each topic."""

from typing import Any, Final

from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.annotations import KafkaMessage

from tests.bench.peers.decisions import CloudEvent, Initiative, Submission, decide, loaded, value_of
from tests.bench.peers.program import PUBLISH, SAVE, STATE, Poller, Wanted

FIRST: Final = "insert into inbox (source, id) values ($1, $2) on conflict do nothing returning true"
READING: Final[dict[str, Any]] = {"auto_offset_reset": "earliest", "ack_policy": AckPolicy.ACK}


def subscribe(broker: KafkaBroker, wanted: Wanted, poller: Poller) -> None:
    """One subscriber for all topics (``single``), or a subscriber with a group of its own for each (``topics``)."""
    handler = _structured(poller) if wanted.mode == "structured" else _binary(poller)
    if wanted.peer == "single":
        broker.subscriber(*wanted.topics, group_id=wanted.group, **READING)(handler)
        return
    for topic in wanted.topics:
        broker.subscriber(topic, group_id=f"{wanted.group}.{topic}", **READING)(handler)


def _structured(poller: Poller) -> Any:
    async def handle(event: CloudEvent) -> None:
        await _take(poller, Submission.of_event(event))

    return handle


def _binary(poller: Poller) -> Any:
    async def handle(data: Initiative, message: KafkaMessage) -> None:
        await _take(poller, Submission.of_headers(message.headers, data))

    return handle


async def _take(poller: Poller, submission: Submission) -> None:
    key = submission.data.initiative_id
    async with poller.pool.acquire() as connection, connection.transaction():
        if not await connection.fetchval(FIRST, submission.source, submission.id):
            return
        states = loaded(await connection.fetch(STATE, [key]))
        if not decide(submission, states):
            return
        lead, version, _ = states[key]
        value = value_of(states, key)
        await connection.execute(SAVE, key, lead, version, value)
        await connection.execute(PUBLISH, submission.type, key, value)
    poller.woken.set()
