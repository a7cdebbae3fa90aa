"""The strong peer: FastStream's ``batch=True``, and one statement or ``executemany`` for each table of a batch."""

from collections.abc import Sequence
from typing import Any, Final

from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.annotations import KafkaMessage

from tests.bench.peers.decisions import CloudEvent, Initiative, Submission, decide, loaded, value_of
from tests.bench.peers.program import PUBLISH, SAVE, STATE, Poller, Wanted

RECORDS: Final = 500
BATCH_TIMEOUT_MS: Final = 20
"""FastStream sleeps this long after an empty poll; the default of 200 would show in every latency."""
FIRSTS: Final = """
insert into inbox (source, id) select * from unnest($1::text[], $2::text[])
on conflict do nothing returning source, id
"""


def subscribe(broker: KafkaBroker, wanted: Wanted, poller: Poller) -> None:
    handler = _structured(poller) if wanted.mode == "structured" else _binary(poller)
    broker.subscriber(
        *wanted.topics,
        group_id=wanted.group,
        batch=True,
        max_records=RECORDS,
        batch_timeout_ms=BATCH_TIMEOUT_MS,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.ACK,
    )(handler)


def _structured(poller: Poller) -> Any:
    async def handle(events: list[CloudEvent]) -> None:
        await _take(poller, [Submission.of_event(event) for event in events])

    return handle


def _binary(poller: Poller) -> Any:
    async def handle(data: list[Initiative], message: KafkaMessage) -> None:
        stated = zip(message.batch_headers, data, strict=True)
        await _take(poller, [Submission.of_headers(headers, each) for headers, each in stated])

    return handle


async def _take(poller: Poller, submissions: Sequence[Submission]) -> None:
    async with poller.pool.acquire() as connection, connection.transaction():
        identities = [each.source for each in submissions], [each.id for each in submissions]
        first = {(row["source"], row["id"]) for row in await connection.fetch(FIRSTS, *identities)}
        states = loaded(await connection.fetch(STATE, sorted({each.data.initiative_id for each in submissions})))
        changed: dict[str, tuple[str, str, int, str]] = {}
        events = []
        for each in submissions:
            if (each.source, each.id) not in first or not decide(each, states):
                continue
            first.discard((each.source, each.id))
            key = each.data.initiative_id
            lead, version, _ = states[key]
            value = value_of(states, key)
            changed[key] = key, lead, version, value
            events.append((each.type, key, value))
        await connection.executemany(SAVE, [changed[key] for key in sorted(changed)])
        await connection.executemany(PUBLISH, events)
    poller.woken.set()
