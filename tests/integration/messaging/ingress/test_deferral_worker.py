"""The deferral worker on PostgreSQL: quarantine, expiry in bulk, and the wake-up by an aggregate."""

import pytest
from samenspel.messaging.inbox import due_deferrals
from samenspel.messaging.ingress import deferral_worker as module
from samenspel.messaging.operator.redrive import Redrive
from samenspel.runtime import failpoints

from tests.support.crash import Died, deaths_of
from tests.support.deciders import FACT, Referring, arrive
from tests.support.deferrals import deferral_worker, quarantined, said, two_wait, wake
from tests.support.service_schema import OPERATOR, Room, outcomes, registered


async def test_deferred_submission_whose_decision_fails_is_quarantined_atomically(
    registry: Room, handlers: Referring
) -> None:
    first, second = await two_wait(registry, handlers)
    handlers.broken.add(first.subject)
    await arrive(registry)

    async def attempt() -> bool:
        try:
            await deferral_worker(registry, handlers).poll()
        except Died:
            return False
        return True

    reached = await deaths_of(registry, attempt)
    assert {"deferral-worker.quarantine", "quarantine.insert", "deferrals.remove", "answers.delete"} <= set(reached)
    assert [each["reason"] for each in await quarantined(registry)] == ["decision-failed"]
    assert (await said(registry))[2:] == [(first.id, "rejected", "decision-failed")]
    assert [row["id"] for row in await registry.rows("select id from submission")] == [second.id]
    await wake(registry, handlers)
    assert (await said(registry))[3:] == [(second.id, "rejected", "unknown-initiative")]


async def test_deferred_submission_of_an_unknown_type_is_quarantined(registry: Room, handlers: Referring) -> None:
    first, _ = await two_wait(registry, handlers)
    await registry.pool.execute("update deferral set type = 'nl.samenspel.gone.v1' where id = $1", first.id)
    await arrive(registry)
    await wake(registry, handlers)
    [apart] = await quarantined(registry)
    assert (
        await Redrive(registry.pool, registry.processor(handlers)).retry(apart["number"], OPERATOR, "") == "rejected"
    )
    assert (await said(registry))[-1] == (first.id, "rejected", "unknown-type")


async def test_passed_deadlines_are_answered_in_bulk(
    registry: Room, handlers: Referring, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = 250
    given = await registry.settle(*(registered() for _ in range(number)), handlers=handlers)
    assert outcomes(given) == ["deferred"] * number
    await registry.pool.execute("update deferral set deadline = now() - interval '1 second'")
    reached: list[str] = []
    monkeypatch.setattr(failpoints, "reached", reached.append)
    await wake(registry, handlers)
    assert await registry.rows("select from deferral") == []
    assert reached.count("deferral-worker.commit") == 3
    answers = [answer[1:] for answer in (await said(registry))[number:]]
    assert answers == [("rejected", "unknown-organisation")] * number


async def test_arrived_aggregate_wakes_its_deferrals(
    registry: Room, handlers: Referring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the slow pass, which finds the others."""
    first, second = await two_wait(registry, handlers)
    worker = deferral_worker(registry, handlers)
    assert await worker.poll() == module.IDLE_SECONDS
    monkeypatch.setattr(worker, "_next_pass", float("inf"))
    await arrive(registry)
    assert await worker.poll() == module.IDLE_SECONDS
    worker.wake([FACT])
    while not await worker.poll():
        pass
    assert (await said(registry))[2:] == [(first.id, "accepted"), (second.id, "accepted")]


async def test_slow_pass_finds_deferrals_that_no_wake_up_named(
    registry: Room, handlers: Referring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The instance that applied the aggregate ended before it told its worker."""
    await registry.settle(*(registered() for _ in range(5)), handlers=handlers)
    monkeypatch.setattr(due_deferrals, "SWEEP", 2)
    await arrive(registry)
    monkeypatch.setattr(module, "IDLE_SECONDS", 0)
    worker = deferral_worker(registry, handlers)
    for _ in range(4):
        await worker.poll()
    assert await registry.rows("select from deferral") == []
