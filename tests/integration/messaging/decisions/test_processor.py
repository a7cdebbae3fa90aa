"""Two transactions on a lane take turns, and the second sees the results of the first."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

import orjson
import pytest
from samenspel.contracts.catalogue import AggregateRef
from samenspel.contracts.submissions import Submission
from samenspel.contracts.topics import INITIATIVES, LANES_LOCAL, lane_of
from samenspel.messaging.decisions.decider import Decider
from samenspel.messaging.errors import Fenced
from samenspel.messaging.inbox.answers import RenderedAnswer

from tests.support.deciders import FACT, Paused, arrive
from tests.support.events import initiative, new_id
from tests.support.service_schema import Room, changed, outcomes, registered, statement, submission
from tests.support.waiting import eventually

CITY = "00000099000000000344"
ADMITTED = {"oin": CITY, "name": "Gemeente Utrecht", "kind": "municipality"}


class Following(Paused):
    """Looks at another service's fact, too."""

    def foreign_refs(self, submission: Submission) -> Sequence[AggregateRef]:
        return [FACT]


async def at_once(room: Room, first: Submission, second: Submission) -> Sequence[RenderedAnswer]:
    """The second begins after the first has decided; the first ends when the second waits, or is done."""
    slow, quick = Paused(), Paused()
    quick.may_save.set()

    def settle(each: Submission, handlers: Decider) -> asyncio.Task[list[RenderedAnswer]]:
        return asyncio.create_task(room.settle(each, handlers=handlers))

    one = settle(first, slow)
    await asyncio.wait_for(slow.has_decided.wait(), 60)
    other = settle(second, quick)

    async def has_come() -> bool:
        return other.done() or await room.is_blocked()

    await eventually(has_come, 60, "the second transaction at the lane")
    slow.may_save.set()
    return [*await one, *await other]


async def holds_up(room: Room, first: Submission, handlers: Paused, then: Coroutine[Any, Any, Any]) -> bool:
    """Whether the second waits for the end of the first, after the first has decided."""
    one = asyncio.create_task(room.settle(first, handlers=handlers))
    await asyncio.wait_for(handlers.has_decided.wait(), 60)
    other = asyncio.create_task(then)

    async def has_come() -> bool:
        return other.done() or await room.is_blocked()

    await eventually(has_come, 60, "the second transaction at what the first has read")
    waits = not other.done()
    handlers.may_save.set()
    assert outcomes(await one) == ["accepted"]
    await other
    return waits


def on_one_lane() -> tuple[Submission, Submission]:
    """Two initiatives."""
    first = registered()
    keys = iter(new_id, "")
    key = next(key for key in keys if lane_of(key, LANES_LOCAL) == lane_of(first.key, LANES_LOCAL))
    return first, registered(initiative_id=key)


def on_different_lanes() -> tuple[str, str]:
    """Two ids."""
    first = new_id()
    return first, next(key for key in iter(new_id, "") if lane_of(key, LANES_LOCAL) != lane_of(first, LANES_LOCAL))


async def test_concurrent_decisions_on_a_lane_get_contiguous_sequences_and_one_digest(registry: Room) -> None:
    """Sequences without a gap, and a digest of both."""
    first, second = on_one_lane()
    assert outcomes(await at_once(registry, first, second)) == ["accepted", "accepted"]
    journal = await registry.rows("select sequence from journal where topic = $1 order by sequence", INITIATIVES)
    assert [row["sequence"] for row in journal] == [1, 2]
    [lane] = await registry.rows("select * from lane where topic = $1 and sequence > 0", INITIATIVES)
    hashes = await registry.rows("select hash from aggregate")
    assert int.from_bytes(lane["digest"], "big") == sum(int.from_bytes(row["hash"], "big") for row in hashes) % 2**256


async def test_second_decision_on_a_lane_sees_the_state_of_the_first(registry: Room) -> None:
    stated = registered()
    await registry.settle(stated)
    first, second = [changed(stated.subject, 1, title) for title in ("Eerst", "Daarna")]
    answers = await at_once(registry, first, second)
    assert outcomes(answers) == ["accepted", "rejected"]
    assert [problem["code"] for problem in orjson.loads(answers[1].json)["problems"]] == ["stale-version"]


async def test_concurrent_repeats_of_a_submission_are_decided_once(registry: Room) -> None:
    stated = registered()
    assert outcomes(await at_once(registry, stated, stated)) == ["accepted", "repeated"]


async def test_id_used_on_two_lanes_at_once_is_created_on_one(registry: Room) -> None:
    """Two organisations give their rollouts the same id at once, under initiatives on different lanes."""
    await registry.open_lanes(CITY)
    await registry.settle(submission(statement("organisation-admitted", ADMITTED)))
    one, other = [registered(initiative_id=key) for key in on_different_lanes()]
    await registry.settle(one, other)
    rollout = new_id()
    ours = statement("rollout-started", {"initiative_id": one.subject, "rollout_id": rollout})
    theirs = statement("rollout-started", {"initiative_id": other.subject, "rollout_id": rollout}, CITY)
    with pytest.raises(Fenced):
        await at_once(registry, submission(ours), submission(theirs, CITY))
    [lane] = await registry.rows("select lane from aggregate where subject = $1", rollout)
    assert lane["lane"] == lane_of(one.key, LANES_LOCAL)


async def test_own_aggregate_read_on_another_lane_is_locked_until_commit(registry: Room) -> None:
    """Own aggregates: the registering organisation changes after the decision, not meanwhile."""
    await registry.open_lanes(CITY)
    await registry.settle(submission(statement("organisation-admitted", ADMITTED)))
    first = submission(statement("initiative-registered", initiative(), CITY), CITY)
    change = submission(statement("organisation-changed", {**ADMITTED, "name": "Utrecht", "based_on_version": 1}))
    assert await holds_up(registry, first, Paused(), registry.settle(change))


async def test_projected_aggregate_read_by_a_decision_is_locked_until_commit(registry: Room) -> None:
    """Foreign events are applied after decisions on the earlier state."""
    await arrive(registry)
    update = registry.pool.execute("update projection set value = '{\"version\": 2}'")
    assert await holds_up(registry, registered(), Following(), update)


async def test_two_organisations_may_use_the_same_submission_id(registry: Room) -> None:
    """Identity is organisation, source and id together: an organisation cannot use or observe another's id."""
    await registry.open_lanes(CITY)
    await registry.settle(submission(statement("organisation-admitted", ADMITTED)))
    data = registered().data.model_dump(mode="json", exclude_unset=True)
    theirs = statement("initiative-registered", {**data, "initiative_id": new_id()}, CITY, id="one")
    ours = statement("initiative-registered", data, id="one")
    answers = await registry.settle(submission(ours), submission(theirs, CITY))
    assert outcomes(answers) == ["accepted", "accepted"]
