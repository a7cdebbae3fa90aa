"""Whole hostile batches: refusals by the broker, and answers to the accepted batches."""

import asyncio
import time
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer
from samenspel.contracts.topics import ingress

from deploy.local.system import LocalSystem
from tests.conftest import Admit
from tests.hostile_input.batches import REFUSED, TAKEN, Taken
from tests.support.database import rows
from tests.support.events import binary, initiative
from tests.support.organisations import Organisation, admit
from tests.support.reading import answers_of, answers_to
from tests.support.record_batches import RawRecord, batch_of, raw, send_batch, sender
from tests.support.submitting import send
from tests.support.waiting import eventually

SECONDS = 60
NUMBER = 30
Answers = dict[int, dict[str, Any]]


def _records(city: Organisation, number: int = 2) -> list[RawRecord]:
    return [raw(*binary(city.event("initiative-registered", initiative()))) for _ in range(number)]


@pytest.mark.parametrize("name", REFUSED)
async def test_damaged_batch_is_refused_by_the_broker(name: str, sender_city: Organisation) -> None:
    make, error = REFUSED[name]
    found, _ = await send_batch(sender_city, ingress("initiatives", sender_city.oin), make(_records(sender_city)))
    assert found == error


@pytest_asyncio.fixture(scope="module")
async def sender_city(system: LocalSystem) -> Organisation:
    return await admit(system)


@pytest_asyncio.fixture(scope="module")
async def answered(system: LocalSystem) -> dict[str, Answers]:
    """The answers to each accepted batch, by relative offset; a valid record is answered meanwhile."""
    clumsy, innocent = await admit(system), await admit(system)
    theirs = [innocent.event("initiative-registered", initiative()) for _ in range(NUMBER)]
    firsts: dict[str, int] = {}
    sending = asyncio.create_task(send(innocent, theirs))
    async with sender(clumsy.kafka, ingress("initiatives", clumsy.oin)) as produce:
        for each in TAKEN:
            error, firsts[each.name] = await produce(each.make(_records(clumsy)))
            assert error == 0, each.name
        error, end = await produce(batch_of(_records(clumsy, 1)))
    await sending
    outcomes = {
        answer["outcome"] for answer in (await answers_to(innocent, [each["id"] for each in theirs])).values()
    }
    assert outcomes == {"accepted"}
    given = await _until(clumsy, end)
    bounds = [*firsts.values(), end]
    return {
        name: {offset - first: given[offset] for offset in given if first <= offset < behind}
        for (name, first), behind in zip(firsts.items(), bounds[1:], strict=True)
    }


async def _until(city: Organisation, offset: int) -> Answers:
    async def there() -> Answers:
        given = {int(answer["record"].rpartition("/")[2]): answer for answer in await answers_of(city)}
        assert offset in given
        return given

    return await eventually(there, SECONDS)


@pytest.mark.parametrize("kind", TAKEN, ids=[kind.name for kind in TAKEN])
async def test_hostile_batch_that_the_broker_takes_is_answered_per_offset(
    kind: Taken, answered: dict[str, Answers]
) -> None:
    told = {
        delta: {problem["code"] for problem in answer.get("problems", ())}
        for delta, answer in answered[kind.name].items()
    }
    assert told == kind.told


async def test_timestamp_of_a_sender_is_replaced_by_the_time_of_appending(
    system: LocalSystem, organisation: Admit
) -> None:
    city = await organisation()
    topic = ingress("initiatives", city.oin)
    await send_batch(city, topic, batch_of([RawRecord(b"", [(b"\xff", b"")])], times=(0, 0)))

    async def apart() -> Any:
        return await rows(system, "registry", "select appended_at from quarantine where topic = $1", topic)

    [row] = await eventually(apart, SECONDS)
    assert abs(row["appended_at"] / 1000 - time.time()) < 3_600


async def test_aborted_transaction_leaves_a_gap_of_offsets_only(system: LocalSystem, organisation: Admit) -> None:
    """No organisation may use transactions; this one is the administrator's, in the organisation's ingress."""
    city = await organisation()
    topic = ingress("initiatives", city.oin)
    before, aborted, after = (city.event("initiative-registered", initiative()) for _ in range(3))
    await send(city, [before])
    admin = {**city.kafka, "sasl_plain_username": "admin", "sasl_plain_password": system.kafka.admin_password}
    producer = AIOKafkaProducer(**admin, transactional_id=f"tests-{city.oin}")
    try:
        await producer.start()
        await producer.begin_transaction()
        headers, value = binary(aborted)
        await producer.send_and_wait(topic, value, headers=headers)
        await producer.abort_transaction()
    finally:
        await producer.stop()
    await send(city, [after])
    assert len(await answers_to(city, [before["id"], after["id"]], seconds=SECONDS)) == 2
    assert aborted["id"] not in {answer["id"] for answer in await answers_of(city)}
