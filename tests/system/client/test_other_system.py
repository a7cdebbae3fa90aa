"""A replica and a cursor of another system, on a real Kafka and real services: refused, and started again."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from samenspel.client.access.profile import Profile
from samenspel.client.replica import ReplicaStore, SyncReport, sync_over_http, sync_over_kafka, verify
from samenspel.client.replica.refusals import OtherSystem

from deploy.local.system import LocalSystem
from services.notifier.domain.cursor import decode, encode, mark_of, marks_in
from tests.support.organisations import operator_of
from tests.support.replicas import content
from tests.support.subscribers import Admit, applied, subscriber_for
from tests.support.waiting import eventually

Sync = Callable[..., SyncReport]
OTHER_FIRST_EVENT = "update event set id = 'of-another-system' where lane = ? and sequence = 1"


def synced(sync: Sync, profile: Profile, oin: str, file: Path, *, rebuild: bool = False) -> SyncReport:
    with ReplicaStore(file, create=True) as store:
        return sync(profile, oin, store, rebuild=rebuild)


def as_of_another_system(file: Path) -> None:
    """Give one lane of the file another first event; positions and digests stay the same."""
    with closing(sqlite3.connect(file)) as connection, connection:
        [lane] = connection.execute("select lane from lane where sequence > 0 order by lane desc limit 1").fetchone()
        connection.execute(OTHER_FIRST_EVENT, (lane,))
        connection.execute("update lane set last_offset = -1 where lane = ?", (lane,))


def _content(file: Path) -> object:
    with ReplicaStore(file) as store:
        return content(store)


@pytest.mark.parametrize("first", [sync_over_kafka, sync_over_http])
@pytest.mark.parametrize("again", [sync_over_kafka, sync_over_http])
async def test_replica_of_another_system_is_refused_unchanged_and_rebuilt_on_request(
    system: LocalSystem, organisation: Admit, tmp_path: Path, first: Sync, again: Sync
) -> None:
    await organisation()
    oin, file = operator_of(system).oin, tmp_path / "r.db"

    async def is_filled() -> bool:
        report = await asyncio.to_thread(synced, first, system.profile, oin, file)
        return report.applied == 0 and any(lane.sequence for lane in report.lanes)

    await eventually(is_filled)
    as_of_another_system(file)
    before = _content(file)
    with pytest.raises(OtherSystem, match=r"this file is of another system.*--rebuild"):
        await asyncio.to_thread(synced, again, system.profile, oin, file)
    assert _content(file) == before
    report = await asyncio.to_thread(synced, again, system.profile, oin, file, rebuild=True)
    assert report.is_sound
    assert report.applied > 0
    assert (await asyncio.to_thread(synced, first, system.profile, oin, file)).is_sound
    with ReplicaStore(file) as store:
        assert verify(store).is_equal


async def test_cursor_of_another_system_is_answered_410(organisation: Admit) -> None:
    city = await organisation()
    async with subscriber_for(city) as subscriber:
        cursor = await applied(subscriber, city.oin, 1)
        marks = marks_in(cursor)
        assert marks
        status, _, _ = await subscriber.call("GET", "/feed", params={"after": encode(decode(cursor))})
        assert status == 200, "a cursor of the version before"
        other = encode(decode(cursor), dict.fromkeys(marks, mark_of("another")))
        status, headers, body = await subscriber.call("GET", "/feed", params={"after": other})
        assert (status, headers["content-type"]) == (410, "application/problem+json")
        assert "this cursor is of another system" in body["detail"]
