"""One organisation that floods is slowed down by the broker, and the others are served meanwhile."""

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from statistics import median

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from samenspel.client.admission import admit as admit_by_command
from samenspel.client.profile import Profile
from samenspel.client.rights import QUOTA_OF_ORGANISATION, Quota
from samenspel.contracts.organisations import OrganisationAdmitted
from samenspel.contracts.topics import ingress

from deploy.local.system import LocalSystem
from tests.kit.doors import post, send
from tests.kit.events import initiative
from tests.kit.organisations import Organisation, admit, unique_oin
from tests.kit.reading import answers_to
from tests.kit.waiting import eventually
from tests.trust.wire import DESCRIBE_QUOTAS, PRODUCE, Speaker, speaking_as

SMALL = Quota(producer_byte_rate=100_000, consumer_byte_rate=50_000_000, request_percentage=100)
RECORDS, RECORD_BYTES = 6, 10_000
BATCHES_MAX = 60
SPECIFIED = 2
POSTS_AT_ONCE, POSTS = 40, 120


async def quotas(operator: Organisation) -> dict[str, dict[str, float]]:
    """What the broker limits, by user."""
    admin = {"sasl_plain_username": "admin", "sasl_plain_password": operator.system.kafka.admin_password}
    async with speaking_as({**operator.kafka, **admin}) as speaker:
        answer = await speaker.ask(DESCRIBE_QUOTAS, [("user", SPECIFIED, None)], False)
    return {each.entity[0].name: {one.key: one.value for one in each.values} for each in answer.entries}


async def test_whoever_is_admitted_has_a_quota(system: LocalSystem, operator: Organisation, tmp_path: Path) -> None:
    """The operator too; on sending, on reading and on asking."""
    own = Profile(Path(shutil.copytree(system.profile.folder, tmp_path / "profile")))
    oin = unique_oin()
    await admit_by_command(own, [OrganisationAdmitted(oin=oin, name="Gemeente Maat", kind="municipality")])
    found = await quotas(operator)
    assert found[oin] == found[operator.oin] == asdict(QUOTA_OF_ORGANISATION)


async def test_a_flood_over_kafka_is_slowed_down(
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


async def test_a_flood_over_http_leaves_room_for_others(
    system: LocalSystem, capsys: pytest.CaptureFixture[str]
) -> None:
    flooder, neighbour = await admit(system), await admit(system)
    alone = await _median_of(5, lambda: _post(neighbour))
    places = asyncio.Semaphore(POSTS_AT_ONCE)

    async def one() -> int:
        async with places:
            return (await post(flooder, "registry", flooder.event("initiative-registered", initiative()))).status

    flood = asyncio.gather(*(one() for _ in range(POSTS)))
    during = await _median_of(10, lambda: _post(neighbour))
    statuses = await flood
    assert set(statuses) <= {200, 429, 503}
    _tell(capsys, "http", f"{POSTS} posts, {POSTS_AT_ONCE} at once, {statuses.count(200)} accepted", alone, during)


async def _flood(speaker: Speaker, topic: str) -> list[int]:
    """Send until the broker holds us up; its throttle times in ms."""
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


async def _post(organisation: Organisation) -> None:
    answer = await post(organisation, "registry", organisation.event("initiative-registered", initiative()))
    assert answer.outcome == "accepted", answer


async def _median_of(times: int, act: Callable[[], Awaitable[None]]) -> float:
    """Seconds."""
    taken: list[float] = []
    for _ in range(times):
        started = time.perf_counter()
        await act()
        taken.append(time.perf_counter() - started)
    return median(taken)


def _tell(capsys: pytest.CaptureFixture[str], door: str, flood: str, alone: float, during: float) -> None:
    """Figures, not a verdict: how long it takes is the machine's affair."""
    with capsys.disabled():
        told = f"another's submission {alone * 1_000:.0f} ms alone, {during * 1_000:.0f} ms meanwhile"
        print(f"\n  flood over {door}: {flood}; {told}, ratio {during / alone:.1f}")
