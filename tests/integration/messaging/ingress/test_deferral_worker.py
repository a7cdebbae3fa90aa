"""A deferred submission with a failing decision is quarantined in a transaction, with a receipt."""

from samenspel.messaging.operator.redrive import Redrive

from tests.support.crash import Died, deaths_of
from tests.support.deciders import Referring, arrive
from tests.support.deferrals import deferral_worker, quarantined, said, two_wait, wake
from tests.support.service_schema import OPERATOR, Room


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
