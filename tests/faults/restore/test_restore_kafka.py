"""Kafka loses records, or a following database is restored: all replicas end equal, nothing is done twice."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiokafka import TopicPartition as LanePartition
from confluent_kafka import TopicPartition
from samenspel.contracts.topics import (
    INITIATIVES,
    LANES_LOCAL,
    Service,
    canonical_topics,
    ingress,
    receipts,
    topics_of,
)
from samenspel.messaging.kafka.log_reader import LogReader

from deploy.local.system import LocalSystem
from tests.faults.restore.backup import Backup
from tests.faults.restore.operator_commands import has_read, is_ready
from tests.faults.workload import law_holds
from tests.support.database import rows
from tests.support.events import Event, initiative
from tests.support.invariants import is_published
from tests.support.organisations import Organisation, admit, operator_of
from tests.support.reading import answers_of, answers_to, canonical
from tests.support.service_process import Life, begin_ready
from tests.support.submitting import post, send
from tests.support.waiting import eventually

PROJECTED = "select aggregate, subject, value, hash from projection order by 1, 2"
STANDS = "select topic, lane, timeline, sequence, digest from checkpoint order by 1, 2"


Lives = dict[Service, Life]


@pytest_asyncio.fixture(scope="module")
async def lives(bare_system: LocalSystem) -> AsyncIterator[Lives]:
    """A running registry and funding service."""
    begun: Lives = {service: await begin_ready(bare_system, service) for service in ("registry", "funding")}
    yield begun
    for life in begun.values():
        life.kill()


@pytest_asyncio.fixture
async def city(bare_system: LocalSystem, lives: Lives) -> Organisation:
    return await admit(bare_system)


@pytest.mark.long
async def test_recreated_canonical_topic_is_published_again(bare_system: LocalSystem, city: Organisation) -> None:
    """From the first event on, by running services with and without something to send.

    Events on the way at the moment of the loss may precede missing events; readers skip over them.
    """
    await _registered(city, 12)
    await eventually(lambda: is_published(bare_system, "registry"), 40)
    before = {_place(record): record.value for record in await canonical(city, INITIATIVES)}
    await _made_anew(bare_system, INITIATIVES, _others_go_on(bare_system, city))
    await _holds(city, before)
    await _funding_stands_where_the_registry_does(bare_system)
    await _made_anew(bare_system, INITIATIVES)
    await _holds(city, before)
    await _registered(city, 4)
    await law_holds(bare_system, "registry", [city, operator_of(bare_system)])
    await _funding_stands_where_the_registry_does(bare_system)


@pytest.mark.long
async def test_broker_that_lost_its_last_records_gets_them_again(
    bare_system: LocalSystem, city: Organisation
) -> None:
    """The log goes back to an older copy of the broker's files, under running services."""
    system = bare_system
    await _registered(city, 4)
    await eventually(lambda: is_published(system, "registry"), 40)
    files, older = system.home.kafka_data, system.home.path / "older-kafka-data"
    await asyncio.to_thread(system.kafka.stop)
    await asyncio.to_thread(shutil.copytree, files, older)
    await asyncio.to_thread(system.kafka.start)
    await _registered(city, 12)
    await eventually(lambda: is_published(system, "registry"), 40)
    before = {_place(record): record.value for record in await canonical(city, INITIATIVES)}
    await asyncio.to_thread(system.kafka.kill)
    shutil.rmtree(files)
    older.rename(files)
    await asyncio.to_thread(system.kafka.start)
    await _holds(city, before)
    await is_ready(system, "registry")
    await _registered(city, 4)
    await law_holds(system, "registry", [city, operator_of(system)])
    await _funding_stands_where_the_registry_does(system)


async def test_recreated_ingress_is_read_from_its_start(bare_system: LocalSystem, city: Organisation) -> None:
    """Repeats from the organisation are recognised, new submissions are decided, and an alarm is raised."""
    known = await _registered(city, 6)
    await _made_anew(bare_system, ingress("initiatives", city.oin))
    fresh = [city.event("initiative-registered", initiative()) for _ in range(2)]
    await send(city, [*known[:3], *fresh])
    answers = await answers_to(city, [event["id"] for event in fresh], seconds=60)
    assert {answer["outcome"] for answer in answers.values()} == {"accepted"}
    await has_read(bare_system, city, 5)
    outcomes = [answer["outcome"] for answer in await answers_of(city)]
    assert (outcomes.count("accepted"), outcomes.count("repeated")) == (8, 3)
    assert await _metric(bare_system, "samenspel_ingress_resets_total") >= 1
    await law_holds(bare_system, "registry", [city, operator_of(bare_system)])


async def test_ingress_that_expired_unread_is_a_recorded_loss(
    bare_system: LocalSystem, lives: Lives, city: Organisation
) -> None:
    """While the service is down, Kafka deletes unread records."""
    topic = ingress("initiatives", city.oin)
    await _registered(city, 2)
    lives["registry"].kill()
    await send(city, [city.event("initiative-registered", initiative()) for _ in range(3)])
    [deleted] = bare_system.kafka.admin()._client.delete_records([TopicPartition(topic, 0, 5)]).values()
    await asyncio.to_thread(deleted.result, 20)
    lives["registry"] = await begin_ready(bare_system, "registry")
    await _registered(city, 2)
    [lost] = await rows(bare_system, "registry", "select reason, detail from quarantine where topic = $1", topic)
    assert tuple(lost) == ("expired-unread", "offsets 2 to 4 expired before they were read")
    await eventually(lambda: _has_alarm(bare_system), 40)


async def test_expired_record_is_absent_and_no_error(bare_system: LocalSystem, city: Organisation) -> None:
    """Kafka answers a request for an expired offset with an error; a quiet organisation's receipts expire."""
    await _registered(city, 2)
    partition = receipts("initiatives", city.oin), 0
    admin = bare_system.kafka.admin()
    log_reader = LogReader(admin._access)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(log_reader.close)
        _, end = await log_reader.bounds(LanePartition(*partition))
        assert await log_reader.record_at(LanePartition(*partition), end - 1)
        [deleted] = admin._client.delete_records([TopicPartition(*partition, end)]).values()
        await asyncio.to_thread(deleted.result, 20)
        assert await log_reader.record_at(LanePartition(*partition), end - 1) is None
        assert await log_reader.bounds(LanePartition(*partition)) == (end, end)


async def test_restored_projection_of_quiet_lanes_continues(bare_system: LocalSystem, city: Organisation) -> None:
    """Under the running service: no new events arrive, and reading continues from the older position."""
    system, backup = bare_system, Backup(bare_system, "funding")
    await backup.take()
    await is_ready(system, "funding")
    await _registered(city, 8)
    await _funding_stands_where_the_registry_does(system)
    before = await rows(system, "funding", PROJECTED)
    await backup.restore()

    async def all_is_back() -> bool:
        try:
            return await rows(system, "funding", PROJECTED) == before
        except OSError as away:
            raise AssertionError(away) from None

    await eventually(all_is_back, 60, "a funding that knows what it knew")
    await _funding_stands_where_the_registry_does(system)


async def _registered(city: Organisation, number: int) -> list[Event]:
    events = [city.event("initiative-registered", initiative()) for _ in range(number)]
    await send(city, events)
    await answers_to(city, [event["id"] for event in events], seconds=60)
    return events


async def _others_go_on(system: LocalSystem, city: Organisation) -> None:
    """Journal rows for a missing topic hold up no other topic."""
    answer = await post(city, "registry", city.event("initiative-registered", initiative()))
    assert answer.outcome == "accepted", answer
    another = await admit(system)

    async def heard_of() -> bool:
        return bool(await rows(system, "funding", "select from projection where subject = $1", another.oin))

    await eventually(heard_of, 60, "an organisation that funding hears of")


async def _made_anew(system: LocalSystem, topic: str, meanwhile: Awaitable[None] | None = None) -> None:
    admin = system.kafka.admin()
    [deleted] = admin._client.delete_topics([topic]).values()
    await asyncio.to_thread(deleted.result, 20)
    if meanwhile is not None:
        await meanwhile
    wanted = [*canonical_topics(LANES_LOCAL), *topics_of(topic.rpartition(".")[2])]
    again = [each for each in wanted if each.name == topic]

    def made() -> bool:
        admin.ensure_topics(again)
        return True

    await eventually(lambda: asyncio.to_thread(made), 20)


async def _holds(city: Organisation, before: dict[Any, bytes]) -> None:
    async def all_of_it() -> bool:
        now = {_place(record): record.value for record in await canonical(city, INITIATIVES)}
        missing = [place for place, value in before.items() if now.get(place) != value]
        assert not missing, f"{len(missing)} of {len(before)} events"
        return True

    await eventually(all_of_it, 60, "a log that holds what it held")


def _place(record: Any) -> tuple[int, bytes]:
    return record.partition, dict(record.headers)["ce_sequence"]


async def _funding_stands_where_the_registry_does(system: LocalSystem) -> None:
    owner = (
        "select topic, lane, timeline, sequence, digest from lane where topic not like '%.receipts.%' order by 1, 2"
    )

    async def equal() -> bool:
        ours: Sequence[Any] = await rows(system, "funding", STANDS)
        theirs: Sequence[Any] = await rows(system, "registry", owner)
        assert ours == theirs, [pair for pair in zip(ours, theirs, strict=False) if pair[0] != pair[1]]
        return True

    await eventually(equal, 60, "a funding that stands where the registry does")


async def _has_alarm(system: LocalSystem) -> bool:
    return await _metric(system, 'samenspel_quarantined_records{reason="expired-unread"}') >= 1


async def _metric(system: LocalSystem, name: str) -> float:
    url = f"{system.services.urls()['registry']}/metrics"
    timeout = aiohttp.ClientTimeout(total=20)
    async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as response:
        lines = (await response.text()).splitlines()
    return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(name + " ")), 0.0)
