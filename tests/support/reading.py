"""Reading receipts, and canonical records from first to last."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from samenspel.contracts.topics import LANES_LOCAL, Domain, receipts

from tests.support.organisations import Organisation
from tests.support.waiting import eventually


async def read_all(kafka: Mapping[str, Any], topic: str, partitions: int) -> list[ConsumerRecord]:
    """Every present record of the topic, partition by partition, in order of offset.

    ``kafka`` holds aiokafka's connection settings.
    """
    return await read_topics(kafka, {topic: partitions})


async def read_topics(kafka: Mapping[str, Any], partitions: Mapping[str, int]) -> list[ConsumerRecord]:
    """The same of several topics, of each so many ``partitions``: topic by topic."""
    consumer = AIOKafkaConsumer(**kafka, group_id=None, enable_auto_commit=False)
    try:
        await consumer.start()
        places = [TopicPartition(topic, number) for topic, count in partitions.items() for number in range(count)]
        consumer.assign(places)
        starts, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        records: list[ConsumerRecord] = []
        for place in places:
            consumer.seek(place, starts[place])
        while any([await consumer.position(place) < ends[place] for place in places]):
            for found in (await consumer.getmany(timeout_ms=500)).values():
                records += [
                    record for record in found if record.offset < ends[TopicPartition(record.topic, record.partition)]
                ]
        return sorted(records, key=lambda record: (record.topic, record.partition, record.offset))
    finally:
        await consumer.stop()


async def canonical(organisation: Organisation, topic: str) -> list[ConsumerRecord]:
    """All records of a canonical topic, lane by lane."""
    return await read_all(organisation.kafka, topic, LANES_LOCAL)


async def receipt_records(organisation: Organisation, domain: Domain = "initiatives") -> list[ConsumerRecord]:
    return await read_all(organisation.kafka, receipts(domain, organisation.oin), 1)


async def answers_of(organisation: Organisation, domain: Domain = "initiatives") -> list[dict[str, Any]]:
    """Every answer to this organisation, in order; a repeated record counts once."""
    by_sequence: dict[int, bytes] = {}
    for record in await receipt_records(organisation, domain):
        by_sequence.setdefault(int(dict(record.headers)["ce_sequence"]), record.value)
    return [answer for value in by_sequence.values() for answer in orjson.loads(value)["answers"]]


async def answers_to(
    organisation: Organisation, ids: Sequence[str], domain: Domain = "initiatives", seconds: float = 20
) -> dict[str, dict[str, Any]]:
    """The latest answer to each of these submissions, once all have an answer."""

    async def all_answered() -> dict[str, dict[str, Any]]:
        found = {answer["id"]: answer for answer in await answers_of(organisation, domain)}
        missing = [id for id in ids if id not in found]
        assert not missing, f"{len(missing)} of {len(ids)} not answered, e.g. {missing[:3]}"
        return {id: found[id] for id in ids}

    return await eventually(all_answered, seconds)
