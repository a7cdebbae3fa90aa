"""A lane in Kafka cannot be recovered: the owner starts a new timeline, and every replica is rebuilt."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from confluent_kafka import TopicPartition
from samenspel.client.access.errors import RequestRefused
from samenspel.client.replica import ReplicaStore, SyncReport, diff, sync_over_kafka, verify
from samenspel.contracts.topics import INITIATIVES

from deploy.local.system import LocalSystem
from tests.faults.restore.backup import Backup
from tests.faults.restore.operator_commands import has_read, is_behind, is_ready, recover, samenspel
from tests.faults.workload import law_holds
from tests.support.database import rows
from tests.support.events import initiative
from tests.support.invariants import is_published
from tests.support.organisations import Organisation, admit, operator_of
from tests.support.reading import answers_to, canonical
from tests.support.service_process import begin_ready
from tests.support.submitting import send
from tests.support.waiting import eventually

HELD = "select subject, value, hash from aggregate where (topic, lane) = ($1, $2) and not removed order by 1"
COPIED = "select subject, value, hash from projection where (topic, lane) = ($1, $2) order by 1"
STANDS = "select timeline, sequence, digest from {} where (topic, lane) = ($1, $2)"


@pytest_asyncio.fixture
async def city(bare_system: LocalSystem) -> AsyncIterator[Organisation]:
    """With a running registry and funding service."""
    lives = [await begin_ready(bare_system, service) for service in ("registry", "funding")]
    try:
        yield await admit(bare_system)
    finally:
        for life in lives:
            life.kill()


async def test_lane_on_a_new_timeline_is_rebuilt_by_every_replica(
    bare_system: LocalSystem, city: Organisation, tmp_path: Path
) -> None:
    system, backup = bare_system, Backup(bare_system, "registry")
    await _registered(system, city, 8)
    await backup.take()
    await is_ready(system, "registry")
    await _registered(system, city, 16)
    await _synced(system, tmp_path / "ahead.db")
    await backup.restore()
    await is_behind(system, "registry")
    lane, first = await _lost(system, city)
    name = f"{INITIATIVES}/{lane}"
    refused = await samenspel(system, "lanes", "new-timeline", "registry", name, "--why", "in haste")
    assert refused.returncode == 1 and "that can be recovered" in refused.stderr

    await _forget_up_to(system, lane, first)
    with pytest.raises(RequestRefused, match="is not in Kafka"):
        await recover(system, "registry")
    done = await samenspel(system, "lanes", "new-timeline", "registry", name, "--why", "the broker lost its log")
    assert done.returncode == 0, done.stderr
    assert any(found["broken_promises"] for found in await recover(system, "registry")), (
        "what was promised and is given up is named"
    )
    await is_ready(system, "registry")
    await has_read(system, city, 24)
    await law_holds(system, "registry", [city, operator_of(system)])

    await _funding_has_what_the_registry_has(system, lane)
    await _replicas_are_equal(system, tmp_path, name)
    [said] = await rows(system, "registry", "select operator, why from lane_action where action = 'new-timeline'")
    assert tuple(said) == (operator_of(system).oin, "the broker lost its log")


async def _registered(system: LocalSystem, city: Organisation, number: int) -> None:
    events = [city.event("initiative-registered", initiative()) for _ in range(number)]
    await send(city, events)
    await answers_to(city, [event["id"] for event in events], seconds=40)
    await eventually(lambda: is_published(system, "registry"), 40)


async def _lost(system: LocalSystem, city: Organisation) -> tuple[int, int]:
    """A lane of which the database lost at least two events, and the offset of the first of these."""
    heads = await rows(system, "registry", "select lane, sequence from lane where topic = $1", INITIATIVES)
    sequences = {row["lane"]: row["sequence"] for row in heads}
    beyond: dict[int, list[int]] = {}
    for record in await canonical(city, INITIATIVES):
        if int(dict(record.headers)["ce_sequence"]) > sequences[record.partition]:
            beyond.setdefault(record.partition, []).append(record.offset)
    lane = max(beyond, key=lambda each: len(beyond[each]))
    assert len(beyond[lane]) > 1
    return lane, beyond[lane][0]


async def _forget_up_to(system: LocalSystem, lane: int, offset: int) -> None:
    """The broker loses everything up to and including this record."""
    admin = system.kafka.admin()._client
    place = TopicPartition(INITIATIVES, lane, offset + 1)
    [deleted] = admin.delete_records([place]).values()
    await asyncio.to_thread(deleted.result, 20)


async def _funding_has_what_the_registry_has(system: LocalSystem, lane: int) -> None:
    async def equal() -> bool:
        theirs = await rows(system, "registry", STANDS.format("lane"), INITIATIVES, lane)
        ours = await rows(system, "funding", STANDS.format("checkpoint"), INITIATIVES, lane)
        assert ours == theirs, (ours, theirs)
        stored = await rows(system, "registry", HELD, INITIATIVES, lane)
        return stored == await rows(system, "funding", COPIED, INITIATIVES, lane)

    await eventually(equal, 60, "a funding that knows what the registry says")
    await is_ready(system, "funding")
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session,
        session.get(f"{system.services.urls()['funding']}/metrics") as response,
    ):
        assert "samenspel_lanes_rebuilt_total 1.0" in await response.text()


async def _replicas_are_equal(system: LocalSystem, folder: Path, name: str) -> None:
    """A replica ahead of the owner, and a new replica; the former content is kept in a file."""
    report = await _synced(system, folder / "ahead.db")
    [anew] = [lane for lane in report.lanes if lane.set_aside]
    assert (anew.lane, anew.timeline) == (name, 2)
    await _synced(system, folder / "new.db")
    await asyncio.to_thread(_compare, system, folder / "ahead.db", folder / "new.db")
    with ReplicaStore(Path(anew.set_aside)) as kept:
        assert verify(kept).is_equal


def _compare(system: LocalSystem, one: Path, other: Path) -> None:
    with ReplicaStore(one) as left, ReplicaStore(other) as right:
        assert diff(left, right) == []
        for store in (left, right):
            verified = verify(store, system.profile, operator_of(system).oin)
            assert verified.is_equal, verified


async def _synced(system: LocalSystem, file: Path) -> SyncReport:
    def sync() -> SyncReport:
        with ReplicaStore(file, create=True) as store:
            return sync_over_kafka(system.profile, operator_of(system).oin, store)

    report = await asyncio.to_thread(sync)
    assert report.is_sound, report
    return report
