"""Funding's database is restored: ceilings hold, and private parts come back with the applications."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from samenspel.client.access.errors import EnvironmentUnavailable
from samenspel.contracts.topics import FUNDING

from deploy.local.system import LocalSystem
from tests.faults.restore.backup import Backup
from tests.faults.restore.operator_commands import has_read, is_behind, is_ready, recover, state_of
from tests.faults.workload import law_holds
from tests.support.events import new_id
from tests.support.funding_round import Round, accepted, most_granted, settled
from tests.support.invariants import is_published
from tests.support.organisations import admit
from tests.support.reading import answers_to, canonical
from tests.support.service_process import begin, begin_ready
from tests.support.submitting import post, send
from tests.support.waiting import eventually

CEILING = 100_000_00


@pytest_asyncio.fixture
async def a_round(bare_system: LocalSystem) -> AsyncIterator[Round]:
    """An authority and an applicant, with a running registry."""
    life = await begin_ready(bare_system, "registry")
    try:
        rijk = await admit(bare_system, kind="ministry", roles=("grant-authority",))
        yield Round(rijk, await admit(bare_system), new_id())
    finally:
        life.kill()


async def test_ceiling_holds_after_a_restore_of_the_database(bare_system: LocalSystem, a_round: Round) -> None:
    """A service death during a recovery requires the recovery again."""
    system, backup = bare_system, Backup(bare_system, "funding")
    life = begin(system, "funding", "recovery.commit:3")
    try:
        await is_ready(system, "funding")
        await accepted(a_round.rijk, a_round.opened(CEILING))
        await eventually(lambda: is_published(system, "funding"), 40)
        await backup.take()
        granted, open_still = a_round.application(60_000_00), a_round.application(60_000_00)
        await is_ready(system, "funding")
        await send(a_round.city, [granted], "funding")
        await answers_to(a_round.city, [granted["id"]], "funding", 40)
        await accepted(a_round.rijk, a_round.grant(granted))
        await accepted(a_round.city, open_still)
        await eventually(lambda: is_published(system, "funding"), 40)
        before = await state_of(system, "funding")
        await backup.restore()
        await is_behind(system, "funding")
        with pytest.raises(EnvironmentUnavailable):
            await recover(system, "funding")
        await life.ends()
        life = begin(system, "funding")
        await is_behind(system, "funding")
        assert any(found["answers"] for found in await recover(system, "funding"))
        await is_ready(system, "funding")
        assert (await state_of(system, "funding"))["aggregate"] == before["aggregate"]
        assert (await a_round.programme())["granted_cents"] == 60_000_00
        await _the_rest_is_granted(a_round, open_still)
        await has_read(system, a_round.city, 1, "funding")
        await law_holds(system, "funding", [a_round.rijk, a_round.city])
        records = await canonical(a_round.city, FUNDING)
        programme = a_round.programme_id.encode()
        assert most_granted(each for each in records if programme in each.value)[a_round.programme_id] == CEILING
    finally:
        life.kill()


async def _the_rest_is_granted(a_round: Round, open_still: dict[str, object]) -> None:
    """The decision waits for the plan from the repeated application, within the ceiling."""
    decision = a_round.grant(open_still)
    assert (await post(a_round.rijk, "funding", decision)).outcome == "deferred"
    assert (await post(a_round.city, "funding", open_still)).outcome == "repeated"
    assert (await settled(a_round.rijk, decision)).body["first_outcome"] == "accepted"
    state = await a_round.state_of(open_still)
    assert state["decision"]["granted_cents"] == 40_000_00
    assert state["requested_cents"] == 60_000_00
