"""Old receipts and details are gone: repeats are still repeats, over Kafka and HTTP, also after a restore."""

from collections.abc import AsyncIterator

import pytest_asyncio
from samenspel.contracts.topics import receipts

from deploy.local.system import LocalSystem
from tests.faults.restore.backup import Backup
from tests.faults.restore.operator_commands import is_behind, is_ready, recover
from tests.faults.restore.registrations import some_submissions
from tests.faults.workload import law_holds
from tests.support.database import rows
from tests.support.events import Event
from tests.support.invariants import is_published
from tests.support.organisations import Organisation, admit, operator_of
from tests.support.reading import answers_of
from tests.support.retention import LONG_MIGRATED
from tests.support.service_process import Life, begin
from tests.support.submitting import post, send
from tests.support.waiting import eventually

RETENTION = "PT1S"
REMOVED = "select removed from journal_start where topic = $1"
WITH_DETAILS = "select count(*) as number from submission where organisation = $1 and answered_at is not null"


@pytest_asyncio.fixture
async def registry(bare_system: LocalSystem) -> AsyncIterator[Life]:
    life = begin(bare_system, "registry", changes={"SAMENSPEL_RECEIPTS_RETENTION": RETENTION})
    try:
        await is_ready(bare_system, "registry")
        await rows(bare_system, "registry", LONG_MIGRATED)
        yield life
    finally:
        life.kill()


async def test_repeats_are_repeats_after_retention_and_after_a_restore(
    bare_system: LocalSystem, registry: Life
) -> None:
    system, backup = bare_system, Backup(bare_system, "registry")
    city = await admit(system)
    old = await some_submissions(city, 4)
    await _is_removed(system, city)
    await _all_are_repeats(city, old, {"details-expired"})
    await eventually(lambda: is_published(system, "registry"), 40)
    await backup.take()
    await is_ready(system, "registry")
    lost = await some_submissions(city, 4)
    await eventually(lambda: is_published(system, "registry"), 40)
    await _is_removed(system, city)
    await backup.restore()
    await is_behind(system, "registry")
    found = await recover(system, "registry")
    assert not any(each["broken_promises"] for each in found)
    await is_ready(system, "registry")
    await _all_are_repeats(city, old, {"details-expired"})
    await _all_are_repeats(city, lost, {"details-expired", "stale-version"})
    await law_holds(system, "registry", [city, operator_of(system)])


async def _is_removed(system: LocalSystem, city: Organisation) -> None:
    """Wait until the receipts of the city and the details of its answers are removed."""

    async def removed() -> bool:
        [answers] = await rows(system, "registry", WITH_DETAILS, city.oin)
        found = await rows(system, "registry", REMOVED, receipts("initiatives", city.oin))
        return bool(found) and answers["number"] == 0

    await eventually(removed, 40, "old receipts and details removed")


async def _all_are_repeats(city: Organisation, events: list[Event], codes: set[str]) -> None:
    """Over HTTP and over Kafka, with the first outcome and events; the last was refused, with some of ``codes``."""
    first = {answer["id"]: answer for answer in reversed(await answers_of(city))}
    posted = [await post(city, "registry", event) for event in events]
    assert [answer.outcome for answer in posted] == ["repeated"] * (len(events) - 1) + ["rejected"]
    assert posted[-1].codes and posted[-1].codes <= codes, posted[-1]
    asked = len(await answers_of(city))
    await send(city, events)

    async def answered() -> list[dict[str, object]]:
        latest = (await answers_of(city))[asked:]
        found = [answer for answer in latest if answer["record"] != "http"]
        assert len(found) >= len(events), len(found)
        return found[-len(events) :]

    for answer, event, over_http in zip(await eventually(answered, 40), events, posted, strict=True):
        original = first[event["id"]]
        assert (answer["outcome"], answer["id"]) == ("repeated", event["id"])
        assert answer["first_outcome"] == original["outcome"]
        assert answer.get("events") == original.get("events") == over_http.body.get("events")
