"""While a lane that a decision needs is diverged, nothing is decided, deferred or expired."""

import pytest
from samenspel.contracts.topics import INITIATIVES, ORGANISATIONS
from samenspel.messaging.decisions.aggregates import Projected
from samenspel.messaging.decisions.state import StoredAggregate
from samenspel.messaging.errors import LaneDiverged

from tests.support.deciders import FACT, Referring, arrive
from tests.support.deferrals import said, two_wait, wake
from tests.support.service_schema import Room, outcomes, registered

DIVERGE = """
insert into checkpoint (topic, lane, diverged_at, divergence) values ($1, $2, 2, 'digest')
on conflict (topic, lane) do update set diverged_at = 2
"""
REPAIR = "update checkpoint set diverged_at = null"
EXPIRE = "update deferral set deadline = now() - interval '1 second'"


async def diverge(room: Room, topic: str = ORGANISATIONS, lane: int = 0) -> None:
    await room.pool.execute(DIVERGE, topic, lane)


def test_decision_needs_the_lane_of_a_projected_aggregate_and_any_lane_of_a_missing_one() -> None:
    here, elsewhere = (ORGANISATIONS, 0), (ORGANISATIONS, 1)
    known = {FACT: StoredAggregate(b"{}")}
    assert Projected(known, {FACT: here}, {here}).diverged_for([FACT]) == {here}
    assert Projected(known, {FACT: here}, {elsewhere}).diverged_for([FACT]) == set()
    assert Projected({}, {}, {elsewhere, (INITIATIVES, 0)}).diverged_for([FACT]) == {elsewhere}
    assert Projected({}, {}, {here}).diverged_for([]) == set()


async def test_submission_that_needs_a_diverged_lane_is_not_taken(registry: Room, handlers: Referring) -> None:
    await arrive(registry)
    await diverge(registry)
    before = await registry.contents()
    needing = registered()
    with pytest.raises(LaneDiverged, match=f"{ORGANISATIONS}/0") as raised:
        await registry.settle(needing, handlers=handlers)
    assert (raised.value.lanes, raised.value.submissions) == ({(ORGANISATIONS, 0)}, [needing])
    assert await registry.contents() == before
    await registry.pool.execute(REPAIR)
    assert outcomes(await registry.settle(needing, handlers=handlers)) == ["accepted"]


async def test_submission_that_needs_another_lane_is_decided(registry: Room, handlers: Referring) -> None:
    await arrive(registry)
    await diverge(registry, lane=1)
    assert outcomes(await registry.settle(registered(), handlers=handlers)) == ["accepted"]


async def test_aggregate_that_may_be_on_a_diverged_lane_defers_nothing(registry: Room, handlers: Referring) -> None:
    """Also when the decision alone knows the aggregate: `foreign_refs` does not name it."""
    await diverge(registry, lane=3)

    class Late(Referring):
        def foreign_refs(self, submission: object) -> tuple[()]:
            return ()

    for each in (handlers, Late()):
        with pytest.raises(LaneDiverged):
            await registry.settle(registered(), handlers=each)
    assert await registry.rows("select from deferral") == []


async def test_deadline_does_not_count_while_a_needed_lane_is_diverged(registry: Room, handlers: Referring) -> None:
    first, second = await two_wait(registry, handlers)
    await diverge(registry)
    await registry.pool.execute(EXPIRE)
    before = await said(registry)
    await wake(registry, handlers)
    await arrive(registry)
    await wake(registry, handlers)
    assert await said(registry) == before, "nothing is decided either"
    await registry.pool.execute(REPAIR)
    await wake(registry, handlers)
    assert (await said(registry))[2:] == [(first.id, "accepted"), (second.id, "accepted")]
