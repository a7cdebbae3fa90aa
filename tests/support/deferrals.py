"""Deferred submissions for tests: a queue of two, a broken submission, and the receipts."""

from dataclasses import replace
from hashlib import sha256
from typing import Any

import orjson
from samenspel.contracts.submissions import Submission
from samenspel.contracts.topics import receipts
from samenspel.messaging.ingress.deferral_worker import DeferralWorker

from tests.support.deciders import Referring, arrive
from tests.support.service_schema import OPERATOR, Room, changed, outcomes, registered

RECEIPTS = receipts("initiatives", OPERATOR)


def deferral_worker(room: Room, handlers: Referring) -> DeferralWorker:
    return DeferralWorker(room.processor(handlers), room.pool, lambda number: None)


async def wake(room: Room, handlers: Referring) -> None:
    """Decide until nothing more is ready."""
    worker = deferral_worker(room, handlers)
    while not await worker.poll():
        pass


async def said(room: Room) -> list[tuple[str, ...]]:
    """Id, outcome and codes of all answers."""
    rows = await room.rows("select value from journal where topic = $1 order by sequence", RECEIPTS)
    given = [each for row in rows for each in orjson.loads(row["value"])["answers"]]
    return [(each["id"], each["outcome"], *(it["code"] for it in each.get("problems", ()))) for each in given]


async def two_wait(room: Room, handlers: Referring) -> tuple[Submission, Submission]:
    """An initiative, followed by a change with nothing missing."""
    first = registered()
    second = changed(first.subject, 1, "Anders")
    assert outcomes(await room.settle(first, second, handlers=handlers)) == ["deferred", "deferred"]
    return first, second


async def one_breaks(room: Room, handlers: Referring, record: str = "http") -> Submission:
    """Deferred, then quarantined; the sender's spelling gives the content this hash."""
    stated = replace(registered(), record=record, hash=sha256(b"as it was spelled").digest())
    handlers.broken.add(stated.subject)
    await room.settle(stated, handlers=handlers)
    await arrive(room)
    await wake(room, handlers)
    return stated


async def quarantined(room: Room) -> list[Any]:
    return await room.rows("select * from quarantined order by number")
