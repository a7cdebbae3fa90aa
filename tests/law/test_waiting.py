"""What waits keeps its turn; what breaks the deciding leaves its queue for the quarantine, and its sender is told."""

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from typing import Any

import orjson
import pytest
from samenspel.contracts.submissions import Submission
from samenspel.contracts.topics import receipts
from samenspel.messaging.ingress.deferral_worker import DeferralWorker
from samenspel.messaging.operator.redrive import Redrive
from structlog.testing import capture_logs

from tests.law.deaths import Died
from tests.law.handlers import Referring, arrive
from tests.law.rooms import OPERATOR, Room, changed, outcomes, registered
from tests.law.test_transactions import deaths_of

pytestmark = pytest.mark.system

RECEIPTS = receipts("initiatives", OPERATOR)
LEAVE = "update projection set stale = true"


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """What breaks is logged with its whole traceback: that takes longer than all else here."""
    with capture_logs():
        yield


@pytest.fixture
def handlers() -> Referring:
    return Referring()


def deferral_worker(room: Room, handlers: Referring) -> DeferralWorker:
    return DeferralWorker(room.processor(handlers), room.pool, lambda number: None)


async def wake(room: Room, handlers: Referring) -> None:
    """Decide until nothing more comes of it."""
    while not await deferral_worker(room, handlers).poll():
        pass


async def said(room: Room) -> list[tuple[str, ...]]:
    """Id, outcome and codes of all that was answered."""
    rows = await room.rows("select value from journal where topic = $1 order by sequence", RECEIPTS)
    given = [each for row in rows for each in orjson.loads(row["value"])["answers"]]
    return [(each["id"], each["outcome"], *(it["code"] for it in each.get("problems", ()))) for each in given]


async def two_wait(room: Room, handlers: Referring) -> tuple[Submission, Submission]:
    """An initiative, and behind it its change, which misses nothing itself."""
    first = registered()
    second = changed(first.subject, 1, "Anders")
    assert outcomes(await room.settle(first, second, handlers=handlers)) == ["deferred", "deferred"]
    return first, second


async def one_breaks(room: Room, handlers: Referring, record: str = "http") -> Submission:
    """Waited, and was set apart; its sender spelled it so that its content has this hash."""
    stated = replace(registered(), record=record, hash=sha256(b"as it was spelled").digest())
    handlers.broken.add(stated.subject)
    await room.settle(stated, handlers=handlers)
    await arrive(room)
    await wake(room, handlers)
    return stated


async def quarantined(room: Room) -> list[Any]:
    return await room.rows("select * from quarantined order by number")


async def test_what_comes_later_waits_behind(registry: Room, handlers: Referring) -> None:
    first, second = await two_wait(registry, handlers)
    third = changed(first.subject, 2, "Nog anders")
    assert outcomes(await registry.settle(third, handlers=handlers)) == ["deferred"]
    await arrive(registry)
    await wake(registry, handlers)
    assert (await said(registry))[3:] == [(each.id, "accepted") for each in (first, second, third)]


async def test_nothing_is_decided_out_of_turn(registry: Room, handlers: Referring) -> None:
    """Another instance saw it at the head of its queue, before the one in front of it came back."""
    await two_wait(registry, handlers)
    _, second = [row["number"] for row in await registry.rows("select number from deferral order by number")]
    async with registry.pool.acquire() as connection, connection.transaction():
        assert await registry.processor(handlers).process_deferred(connection, second) is None


async def test_what_breaks_the_deciding_is_set_apart_whole_or_not_at_all(registry: Room, handlers: Referring) -> None:
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


@pytest.mark.parametrize("record", ["http", "samenspel.in.initiatives.00000099000000000001/0/7"])
async def test_the_operator_has_it_decided(registry: Room, handlers: Referring, record: str) -> None:
    """As it came in: over which door, when, and with the hash that the sender's own bytes have."""
    stated = await one_breaks(registry, handlers, record)
    redrive = Redrive(registry.pool, registry.processor(handlers))
    [apart] = await quarantined(registry)
    assert (apart["record"], apart["received_at"], apart["hash"]) == (record, stated.received_at, stated.hash)
    assert await redrive.retry(apart["number"], OPERATOR, "") == "failed"
    handlers.broken.clear()
    assert await redrive.retry(apart["number"], OPERATOR, "mended") == "accepted"
    assert [each["open"] for each in await quarantined(registry)] == [False]
    assert outcomes(await registry.settle(stated, handlers=handlers)) == ["repeated"]


async def test_a_retry_is_decided_and_written_down_or_neither(registry: Room, handlers: Referring) -> None:
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
    assert {"redrive.begin", "quarantine.lock", "journal.write", "quarantine.record-action", "redrive.commit"} <= set(
        reached
    )
    assert [answer[1:] for answer in await said(registry)][2:] == [("accepted",)]


async def test_sent_again_meanwhile_it_is_decided_once(registry: Room, handlers: Referring) -> None:
    stated = await one_breaks(registry, handlers)
    handlers.broken.clear()
    assert outcomes(await registry.settle(stated, handlers=handlers)) == ["accepted"]
    [apart] = await quarantined(registry)
    redrive = Redrive(registry.pool, registry.processor(handlers))
    assert await redrive.retry(apart["number"], OPERATOR, "") == "repeated"


async def test_it_may_wait_and_break_once_more(registry: Room, handlers: Referring) -> None:
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


async def test_what_this_version_cannot_read_is_set_apart_too(registry: Room, handlers: Referring) -> None:
    first, _ = await two_wait(registry, handlers)
    await registry.pool.execute("update deferral set type = 'nl.samenspel.gone.v1' where id = $1", first.id)
    await arrive(registry)
    await wake(registry, handlers)
    [apart] = await quarantined(registry)
    assert (
        await Redrive(registry.pool, registry.processor(handlers)).retry(apart["number"], OPERATOR, "") == "rejected"
    )
    assert (await said(registry))[-1] == (first.id, "rejected", "unknown-type")
