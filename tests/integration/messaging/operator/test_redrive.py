"""An operator's retry of a quarantined submission: a single transaction, the first content hash, a single outcome."""

import pytest
from samenspel.messaging.operator.redrive import Redrive

from tests.support.crash import Died, deaths_of
from tests.support.deciders import Referring
from tests.support.deferrals import one_breaks, quarantined, said, wake
from tests.support.service_schema import OPERATOR, Room, outcomes

LEAVE = "update projection set stale = true"


@pytest.mark.parametrize("record", ["http", "samenspel.in.initiatives.00000099000000000001/0/7"])
async def test_retried_record_is_decided_with_its_first_content_hash(
    registry: Room, handlers: Referring, record: str
) -> None:
    """As received: entry point, time of receipt, and the hash of the sender's bytes."""
    stated = await one_breaks(registry, handlers, record)
    redrive = Redrive(registry.pool, registry.processor(handlers))
    [apart] = await quarantined(registry)
    assert (apart["record"], apart["received_at"], apart["hash"]) == (record, stated.received_at, stated.hash)
    assert await redrive.retry(apart["number"], OPERATOR, "") == "failed"
    handlers.broken.clear()
    assert await redrive.retry(apart["number"], OPERATOR, "mended") == "accepted"
    assert [each["open"] for each in await quarantined(registry)] == [False]
    assert outcomes(await registry.settle(stated, handlers=handlers)) == ["repeated"]


async def test_retry_commits_decision_and_action_together(registry: Room, handlers: Referring) -> None:
    await one_breaks(registry, handlers)
    handlers.broken.clear()
    [apart] = await quarantined(registry)

    async def attempt() -> bool:
        try:
            await Redrive(registry.pool, registry.processor(handlers)).retry(apart["number"], OPERATOR, "mended")
        except Died:
            return False
        return True

    reached = await deaths_of(registry, attempt)
    assert {
        "redrive.begin",
        "quarantine.lock",
        "postgres.write-together",
        "quarantine.record-action",
        "redrive.commit",
    } <= set(reached)
    assert [answer[1:] for answer in await said(registry)][2:] == [("accepted",)]


async def test_retry_of_a_submission_sent_again_meanwhile_is_repeated(registry: Room, handlers: Referring) -> None:
    stated = await one_breaks(registry, handlers)
    handlers.broken.clear()
    assert outcomes(await registry.settle(stated, handlers=handlers)) == ["accepted"]
    [apart] = await quarantined(registry)
    redrive = Redrive(registry.pool, registry.processor(handlers))
    assert await redrive.retry(apart["number"], OPERATOR, "") == "repeated"


async def test_retried_submission_may_be_deferred_and_quarantined_again(registry: Room, handlers: Referring) -> None:
    await one_breaks(registry, handlers)
    [apart] = await quarantined(registry)
    await registry.pool.execute(LEAVE)
    assert (
        await Redrive(registry.pool, registry.processor(handlers)).retry(apart["number"], OPERATOR, "") == "deferred"
    )
    await registry.pool.execute(LEAVE.replace("true", "false"))
    await wake(registry, handlers)
    assert [each["open"] for each in await quarantined(registry)] == [False, True]
    assert [answer[1:] for answer in await said(registry)][1:] == [
        ("rejected", "decision-failed"),
        ("deferred",),
        ("rejected", "decision-failed"),
    ]
