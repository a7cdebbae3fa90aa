"""The answers restored from receipts only."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
import pytest_asyncio
from samenspel.contracts.submission_hashes import HashKeys
from samenspel.messaging.recovery.answers import restore_from_receipts
from samenspel.messaging.recovery.lane_recovery import Recovered
from samenspel.runtime.postgres import Connection

from tests.support.service_schema import Room

CITY, SOURCE, LANE = "00000099000000000344", "urn:nld:oin:00000099000000000344:systeem:tests", "samenspel.initiatives"
JOURNALLED = """
insert into journal (topic, lane, timeline, sequence, key, headers, value)
values ($1, 0, 1, 7, 'x', convert_to(E'ce_aggregate:a\\nce_id:there\\nce_lane:l\\n', 'UTF8'), '')
"""
KEPT = "select answer from submission where (organisation, source, id) = ($1, $2, 'one')"
KEEP = "insert into submission (organisation, source, id, answer) values ($1, $2, 'one', $3)"
Answer = dict[str, Any]


def _answer(outcome: str, hash: str = "aa", **more: Any) -> Answer:
    return {"source": SOURCE, "id": "one", "outcome": outcome, "record": "http", "submissionhash": hash, **more}


def _event(id: str) -> Answer:
    return {"lane": f"{LANE}/0", "timeline": 1, "sequence": 7, "id": id, "type": "t"}


ACCEPTED = _answer("accepted", events=[_event("there")])
VOID = _answer("accepted", events=[_event("never-published")])
REFUSED = _answer("rejected", problems=[{"code": "stale-version"}])
ANOTHER = _answer("rejected", "bb", problems=[{"code": "same-id-other-content"}])
DEFERRED = _answer("deferred", received_at="2026-11-24T12:00:00.000Z")
LOST = {**DEFERRED, "lost": True}
"""As stored when the backup has no deferral: decided when it is received again, with this moment of receipt."""
BROKEN = {name: it for name, it in _answer("rejected").items() if name != "submissionhash"}
"""The answer to a quarantined submission: never the final answer."""
PROVEN = {**ACCEPTED, "record": "recovered"}


@pytest_asyncio.fixture
async def database(registry: Room) -> AsyncIterator[Connection]:
    """A connection with a rollback at the end."""
    async with registry.pool.acquire() as connection:
        trial = connection.transaction()
        await trial.start()
        await connection.execute(JOURNALLED, LANE)
        yield connection
        await trial.rollback()


@pytest.mark.parametrize("apart", [True, False], ids=["in chunks of one", "in one chunk"])
@pytest.mark.parametrize(
    ("known", "receipts", "kept"),
    [
        pytest.param(None, [ACCEPTED], ACCEPTED, id="a promise whose fact is there counts"),
        pytest.param(None, [VOID], None, id="a promise whose fact never reached Kafka does not"),
        pytest.param(None, [REFUSED], REFUSED, id="a refusal stands"),
        pytest.param(None, [DEFERRED], LOST, id="what waited is asked anew"),
        pytest.param(None, [DEFERRED, ACCEPTED], ACCEPTED, id="the final answer counts"),
        pytest.param(None, [DEFERRED, VOID], LOST, id="but not when its fact never reached Kafka"),
        pytest.param(DEFERRED, [DEFERRED], DEFERRED, id="one that waits in the backup waits on"),
        pytest.param(DEFERRED, [REFUSED], REFUSED, id="one that waits in the backup has its answer"),
        pytest.param(None, [DEFERRED, BROKEN], LOST, id="what was set apart while it waited is asked anew too"),
        pytest.param(DEFERRED, [BROKEN], DEFERRED, id="or waits on in the backup"),
        pytest.param(None, [DEFERRED, BROKEN, ACCEPTED], ACCEPTED, id="its final answer is the operator's retry"),
        pytest.param(None, [ANOTHER], None, id="a refusal of other content is no first answer"),
        pytest.param(None, [DEFERRED, ANOTHER, ACCEPTED], ACCEPTED, id="nor between the first and the final one"),
        pytest.param(PROVEN, [ACCEPTED], ACCEPTED, id="the receipt says more than the fact"),
        pytest.param(PROVEN, [DEFERRED], PROVEN, id="and never less"),
        pytest.param(REFUSED, [ACCEPTED], REFUSED, id="what is known for certain stays"),
    ],
)
async def test_first_final_answer_of_the_receipts_is_restored(
    database: Connection, known: Answer | None, receipts: list[Answer], kept: Answer | None, apart: bool
) -> None:
    if known is not None:
        await database.execute(KEEP, CITY, SOURCE, orjson.dumps(known))
    found = Recovered("lane", 0, 0)
    chunks = [[answer] for answer in receipts] if apart else [receipts]
    for chunk in chunks:
        await restore_from_receipts(database, [(CITY, answer) for answer in chunk], found, HashKeys())
    stored = await database.fetchval(KEPT, CITY, SOURCE)
    assert (orjson.loads(stored) if stored else None) == kept
    named = [(each.id, each.received_at) for each in (*found.broken_promises, *found.still_deferred)]
    received_at = DEFERRED["received_at"] if DEFERRED in receipts else None
    assert named == ([("one", received_at)] if VOID in receipts or kept == LOST else [])
    assert found.answers == (kept not in (None, LOST, known))
