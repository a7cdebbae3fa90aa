"""Whole batches of poison: what the broker refuses by itself, and how what it lets through is answered."""

import asyncio
import random
import time
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer
from samenspel.contracts.topics import ingress
from samenspel.messaging.kafka.record_batches import SafeMemoryRecords, undecodable

from deploy.local.system import LocalSystem
from tests.conftest import Admit
from tests.kit.database import rows
from tests.kit.doors import send
from tests.kit.events import binary, initiative
from tests.kit.organisations import Organisation, admit
from tests.kit.poison import GZIP, RawRecord, batch_of, raw, send_batch, sender
from tests.kit.reading import answers_of, answers_to
from tests.kit.waiting import eventually
from tests.poison.batch_kinds import REFUSED, TAKEN, Taken

SECONDS = 60
NUMBER = 30
Answers = dict[int, dict[str, Any]]


def _records(city: Organisation, number: int = 2) -> list[RawRecord]:
    return [raw(*binary(city.event("initiative-registered", initiative()))) for _ in range(number)]


@pytest.mark.parametrize("name", REFUSED)
async def test_the_broker_refuses(name: str, sender_city: Organisation) -> None:
    make, error = REFUSED[name]
    found, _ = await send_batch(sender_city, ingress("initiatives", sender_city.oin), make(_records(sender_city)))
    assert found == error


@pytest_asyncio.fixture(scope="module")
async def sender_city(system: LocalSystem) -> Organisation:
    return await admit(system)


@pytest_asyncio.fixture(scope="module")
async def answered(system: LocalSystem) -> dict[str, Answers]:
    """The answers to each batch that was taken, by offset behind its first; an innocent is answered meanwhile."""
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
async def test_what_the_broker_takes_is_answered(kind: Taken, answered: dict[str, Answers]) -> None:
    told = {
        delta: {problem["code"] for problem in answer.get("problems", ())}
        for delta, answer in answered[kind.name].items()
    }
    assert told == kind.told


async def test_a_sender_s_clock_decides_nothing(system: LocalSystem, organisation: Admit) -> None:
    city = await organisation()
    topic = ingress("initiatives", city.oin)
    await send_batch(city, topic, batch_of([RawRecord(b"", [(b"\xff", b"")])], times=(0, 0)))

    async def apart() -> Any:
        return await rows(system, "registry", "select appended_at from quarantine where topic = $1", topic)

    [row] = await eventually(apart, SECONDS)
    assert abs(row["appended_at"] / 1000 - time.time()) < 3_600


async def test_an_aborted_transaction_leaves_a_gap_and_nothing_else(system: LocalSystem, organisation: Admit) -> None:
    """No organisation may have one; this is the administrator's, in the organisation's ingress."""
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


def test_a_compacted_batch_keeps_its_gaps() -> None:
    """Compaction takes records out of a batch and leaves its frame, even when none is left."""
    two = [RawRecord(b"a"), RawRecord(b"b")]
    whole = batch_of([*two, RawRecord(b"c")], payload=b"")
    compacted = whole[:57] + (0).to_bytes(4, "big")
    assert [list(batch) for batch in _read(compacted)] == [[]]
    assert [batch.next_offset for batch in _read(compacted)] == [3]


@pytest.mark.parametrize("codec", [0, GZIP], ids=["plain", "gzip"])
def test_whatever_lies_in_a_batch_reading_goes_on_behind_it(codec: int) -> None:
    """Bytes changed at random: nothing raises, offsets rise, and the last one is the batch's or before it."""
    chance = random.Random(codec)
    built = batch_of([RawRecord(b"v" * 30, [(b"name", b"value"), (b"other", None)], b"key")] * 4, codec=codec)
    lost = 0
    for _ in range(3_000):
        bent = bytearray(built)
        for _ in range(chance.randrange(1, 4)):
            bent[chance.randrange(61, len(bent))] = chance.randrange(256)
        [batch] = _read(bytes(bent))
        records = list(batch)
        offsets = [record.offset for record in records]
        assert offsets == sorted(set(offsets)) and set(offsets) <= set(range(4))
        lost += any(undecodable(record.headers) for record in records)
    assert lost > 100


def _read(fetched: bytes) -> list[Any]:
    found, batches = [], SafeMemoryRecords(fetched)
    while batches.has_next():
        found.append(batches.next_batch())
    return found


def test_a_batch_that_was_fetched_in_part_waits_for_the_rest() -> None:
    whole = batch_of([RawRecord(b"a")])
    assert not any(_read(whole[:cut]) for cut in range(len(whole)))
    assert len(_read(whole + whole[:-1])) == 1
