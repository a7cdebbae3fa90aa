"""Forged canonical events, written with the credential of the registry: the reach of an attacker on its host."""

from typing import Any

import orjson
from aiokafka import AIOKafkaProducer, ConsumerRecord
from samenspel.contracts.topics import LANES_LOCAL, ORGANISATIONS, LaneId, lane_of

from deploy.local.system import LocalSystem
from tests.support.events import new_id
from tests.support.organisations import Organisation
from tests.support.reading import canonical


def lane_of_organisation(organisation: Organisation) -> LaneId:
    """The lane with the events about this organisation."""
    return ORGANISATIONS, lane_of(organisation.oin, LANES_LOCAL)


async def last_event(organisation: Organisation) -> ConsumerRecord:
    """The last record of the lane with the events about this organisation."""
    topic, lane = lane_of_organisation(organisation)
    return [record for record in await canonical(organisation, topic) if record.partition == lane][-1]


async def forge(
    system: LocalSystem, like: ConsumerRecord, value: dict[str, Any] | None = None, **headers: str
) -> None:
    """Append the next event of the lane of ``like``, with this value and these headers, and that digest."""
    attributes = dict(like.headers)
    forged = {
        "ce_sequence": f"{int(attributes['ce_sequence']) + 1:020d}",
        "ce_id": new_id(),
        **{f"ce_{name}": text for name, text in headers.items()},
    }
    changed = [(name, forged[name].encode() if name in forged else old) for name, old in like.headers]
    state = orjson.loads(like.value) | (value or {})
    producer = AIOKafkaProducer(
        bootstrap_servers=system.kafka.bootstrap,
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_plain_username="registry",
        sasl_plain_password=system.secrets["registry/kafka_password"],
    )
    try:
        await producer.start()
        await producer.send_and_wait(
            like.topic, value=orjson.dumps(state), key=like.key, partition=like.partition, headers=changed
        )
    finally:
        await producer.stop()
