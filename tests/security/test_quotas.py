"""A flooding organisation is slowed down by the broker, and the others are served meanwhile."""

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from statistics import median

import aiohttp
import orjson
import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from samenspel.client.access.profile import Profile
from samenspel.client.admin.access_policy import QUOTA_OF_ORGANISATION, Quota
from samenspel.client.admin.admission import admit as admit_by_command
from samenspel.contracts.organisations import OrganisationAdmitted
from samenspel.contracts.topics import ingress

from deploy.local.system import LocalSystem
from tests.support.events import initiative
from tests.support.kafka_protocol import DESCRIBE_QUOTAS, PRODUCE, Speaker, speaking_as
from tests.support.organisations import Organisation, admit, unique_oin
from tests.support.reading import answers_to
from tests.support.submitting import STRUCTURED, send
from tests.support.waiting import eventually

SMALL = Quota(producer_byte_rate=100_000, consumer_byte_rate=50_000_000, request_percentage=100)
RECORDS, RECORD_BYTES = 6, 10_000
BATCHES_MAX = 60
SPECIFIED = 2
POSTS_AT_ONCE = 40


async def quotas(operator: Organisation) -> dict[str, dict[str, float]]:
    """The broker's quotas, by user."""
    admin = {"sasl_plain_username": "admin", "sasl_plain_password": operator.system.kafka.admin_password}
    async with speaking_as({**operator.kafka, **admin}) as speaker:
        answer = await speaker.ask(DESCRIBE_QUOTAS, [("user", SPECIFIED, None)], False)
    return {each.entity[0].name: {one.key: one.value for one in each.values} for each in answer.entries}


async def test_admitted_organisation_has_a_quota(system: LocalSystem, operator: Organisation, tmp_path: Path) -> None:
    """The operator too; on sending, on reading and on asking."""
    own = Profile(Path(shutil.copytree(system.profile.folder, tmp_path / "profile")))
    oin = unique_oin()
    await admit_by_command(own, [OrganisationAdmitted(oin=oin, name="Gemeente Maat", kind="municipality")])
    found = await quotas(operator)
    assert found[oin] == found[operator.oin] == asdict(QUOTA_OF_ORGANISATION)


async def test_flood_over_kafka_is_throttled_and_others_are_served(
    system: LocalSystem, operator: Organisation, capsys: pytest.CaptureFixture[str]
) -> None:
    flooder, neighbour = await admit(system), await admit(system)
    admin = system.kafka.admin()
    await asyncio.to_thread(admin.set_quota, flooder.oin, SMALL)
    await eventually(lambda: _has(operator, flooder.oin))
    alone = await _median_of(5, lambda: _submit_over_kafka(neighbour))
    async with speaking_as(flooder.kafka) as speaker:
        flood = asyncio.create_task(_flood(speaker, ingress("initiatives", flooder.oin)))
        during = await _median_of(5, lambda: _submit_over_kafka(neighbour))
        throttles = await flood
    assert max(throttles) > 0, "the broker says that it holds the sender up"
    await asyncio.to_thread(admin.set_quota, flooder.oin, None)
    _tell(capsys, "kafka", f"{len(throttles)} batches, throttled up to {max(throttles)} ms", alone, during)


async def test_flood_over_http_leaves_others_served(system: LocalSystem, capsys: pytest.CaptureFixture[str]) -> None:
    flooder, neighbour = await admit(system), await admit(system)
    over = asyncio.Event()
    async with _session(flooder) as theirs, _session(neighbour) as ours:

        async def keep_posting() -> list[int]:
            found = []
            while not over.is_set():
                found.append(await _post(theirs, flooder))
            return found

        async def is_served() -> None:
            assert await _post(ours, neighbour) == 200

        alone = await _median_of(5, is_served)
        flood = [asyncio.create_task(keep_posting()) for _ in range(POSTS_AT_ONCE)]
        during = await _median_of(10, is_served)
        over.set()
        statuses = [status for found in await asyncio.gather(*flood) for status in found]
    assert set(statuses) <= {200, 429, 503}
    told = f"{len(statuses)} posts, {POSTS_AT_ONCE} at once, {statuses.count(200)} accepted"
    _tell(capsys, "http", told, alone, during)


async def _flood(speaker: Speaker, topic: str) -> list[int]:
    """Send until the broker throttles; returns the throttle times in ms."""
    throttles: list[int] = []
    while len(throttles) < BATCHES_MAX and not any(throttles):
        answer = await speaker.ask(PRODUCE, None, -1, 5_000, [(topic, [(0, _batch())])])
        throttles.append(answer.throttle_ms)
    return throttles


def _batch() -> bytes:
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 10 * RECORDS * RECORD_BYTES)
    for number in range(RECORDS):
        assert builder.append(number, int(time.time() * 1_000), None, b"x" * RECORD_BYTES, []) is not None
    return bytes(builder.build())


async def _has(operator: Organisation, user: str) -> bool:
    return (await quotas(operator)).get(user) == asdict(SMALL)


async def _submit_over_kafka(organisation: Organisation) -> None:
    event = organisation.event("initiative-registered", initiative())
    await send(organisation, [event])
    answers = await answers_to(organisation, [event["id"]], seconds=60)
    assert answers[event["id"]]["outcome"] == "accepted"


def _session(organisation: Organisation) -> aiohttp.ClientSession:
    headers = {"authorization": f"Bearer {organisation.credential.token}", "content-type": STRUCTURED}
    connector = aiohttp.TCPConnector(limit=POSTS_AT_ONCE)
    return aiohttp.ClientSession(headers=headers, connector=connector, timeout=aiohttp.ClientTimeout(total=60))


async def _post(session: aiohttp.ClientSession, organisation: Organisation) -> int:
    """The status of the answer to a good submission."""
    url = f"{organisation.system.services.urls()['registry']}/v1/events"
    body = orjson.dumps(organisation.event("initiative-registered", initiative()))
    async with session.post(url, data=body) as response:
        await response.read()
        return response.status


async def _median_of(times: int, act: Callable[[], Awaitable[None]]) -> float:
    """Seconds."""
    taken: list[float] = []
    for _ in range(times):
        started = time.perf_counter()
        await act()
        taken.append(time.perf_counter() - started)
    return median(taken)


def _tell(capsys: pytest.CaptureFixture[str], entry_point: str, flood: str, alone: float, during: float) -> None:
    """Figures without a verdict: durations depend on the machine."""
    with capsys.disabled():
        told = f"another's submission {alone * 1_000:.0f} ms alone, {during * 1_000:.0f} ms meanwhile"
        print(f"\n  flood over {entry_point}: {flood}; {told}, ratio {during / alone:.1f}")
