"""The owner's database is restored from an older backup while Kafka is ahead: all comes back, nothing is redone."""

from collections.abc import AsyncIterator

import orjson
import pytest_asyncio

from deploy.local.system import LocalSystem
from tests.faults.restore.backup import Backup
from tests.faults.restore.operator_commands import is_behind, is_ready, samenspel, state_of
from tests.faults.restore.registrations import some_submissions
from tests.faults.workload import law_holds
from tests.support.events import initiative
from tests.support.invariants import is_published
from tests.support.organisations import Organisation, admit, operator_of
from tests.support.reading import answers_of
from tests.support.service_process import Life, begin_ready
from tests.support.submitting import post
from tests.support.waiting import eventually


@pytest_asyncio.fixture
async def registry(bare_system: LocalSystem) -> AsyncIterator[Life]:
    life = await begin_ready(bare_system, "registry")
    yield life
    life.kill()


async def _published(system: LocalSystem) -> None:
    await eventually(lambda: is_published(system, "registry"), 40, "a published journal")


async def test_older_backup_is_recovered_from_kafka_without_new_decisions(
    bare_system: LocalSystem, registry: Life
) -> None:
    system, backup = bare_system, Backup(bare_system, "registry")
    city = await admit(system)
    await some_submissions(city, 12)
    await _published(system)
    await backup.take()
    await is_ready(system, "registry")
    later = await admit(system)
    lost = {each.oin: await some_submissions(each, 12) for each in (city, later)}
    await _published(system)
    before = await state_of(system, "registry")
    await backup.restore()

    said = await is_behind(system, "registry")
    assert "samenspel lanes recover registry" in said["recovery"]
    assert (await post(city, "registry", city.event("initiative-registered", initiative()))).status == 503
    assert (await samenspel(system, "lanes", "list", "registry")).returncode == 1
    restored = await state_of(system, "registry")
    trial = await samenspel(system, "lanes", "recover", "registry", "--dry-run", "--json")
    assert trial.returncode == 0, trial.stderr
    assert await state_of(system, "registry") == restored

    done = await samenspel(system, "lanes", "recover", "registry", "--json")
    assert done.stdout == trial.stdout, done.stderr
    assert any(each["after"] > each["before"] for each in orjson.loads(done.stdout))
    await is_ready(system, "registry")
    await _all_is_back(system, before)
    for each in (city, later):
        await _all_are_repeats(each, lost[each.oin])
    await law_holds(system, "registry", [city, later, operator_of(system)])


async def _all_is_back(system: LocalSystem, before: dict[str, list[dict[str, object]]]) -> None:
    """The former state is complete; reading the ingress again only appends receipts."""
    after = await state_of(system, "registry")
    journal = {tuple(row.values()) for row in after["journal"]}
    assert [row for row in before["journal"] if tuple(row.values()) not in journal] == []
    assert after["aggregate"] == before["aggregate"]
    assert after["submission"] == before["submission"]
    canonical = [row for row in before["lane"] if "receipts" not in str(row["topic"])]
    assert [row for row in canonical if row not in after["lane"]] == []


async def _all_are_repeats(city: Organisation, events: list[dict[str, object]]) -> None:
    answers = [await post(city, "registry", event) for event in events]
    assert [answer.outcome for answer in answers] == ["repeated"] * (len(events) - 1) + ["rejected"]
    over_kafka = [event["id"] for event in events[:-2]]

    async def read_again() -> bool:
        said = [(each["id"], each["outcome"]) for each in await answers_of(city) if each["record"] != "http"]
        assert said.count((over_kafka[-1], "repeated")) == 1, said[-3:]
        return True

    await eventually(read_again, 40)
