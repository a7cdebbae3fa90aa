"""After the retention an answer has identity, hash, outcome and event ids only; a repeat is still a repeat."""

from dataclasses import replace
from typing import Any, Final

import orjson
import pytest
from samenspel.contracts.receipts import Answer
from samenspel.contracts.submissions import Submission
from samenspel.messaging.inbox import answer_store
from samenspel.messaging.inbox.answers import identity

from tests.support.retention import publish_all, retain, settle_days_ago
from tests.support.service_schema import Room, changed, outcomes, registered

STORED: Final = "select pg_column_size(s) as size, answer, answered_at from submission s where id = $1"
BYTES_MAX: Final = 200


def refused() -> Submission:
    """Refused for an unknown initiative."""
    return changed(registered().subject, 1, "Onbekend")


async def said(room: Room, submission: Submission) -> dict[str, Any]:
    [answer] = await room.settle(submission)
    told: dict[str, Any] = orjson.loads(answer.json)
    Answer.model_validate_json(answer.json)
    return told


@pytest.mark.parametrize("make", [registered, refused], ids=["accepted", "rejected"])
async def test_old_answer_takes_at_most_200_bytes_and_stays_the_answer(registry: Room, make: Any) -> None:
    stated = make()
    [first] = await settle_days_ago(registry, 91, stated)
    before = await said(registry, stated)
    await publish_all(registry)
    await retain(registry.pool)
    [row] = await registry.rows(STORED, stated.id)
    assert row["size"] <= BYTES_MAX and row["answered_at"] is None
    after = await said(registry, stated)
    assert (after["outcome"], after["first_outcome"]) == ("repeated", first.outcome)
    assert after["submissionhash"] == before["submissionhash"]
    assert after.get("events") == before.get("events")
    assert [each["code"] for each in after.get("problems", ())] in ([], ["details-expired"])


async def test_nothing_is_decided_again_after_the_retention(registry: Room) -> None:
    """The submission was refused for a reason that is gone: deciding again would accept the submission."""
    initiative = registered()
    early = changed(initiative.subject, 1, "Te vroeg")
    await settle_days_ago(registry, 91, early)
    await registry.settle(initiative)
    await retain(registry.pool)
    assert (await said(registry, early))["first_outcome"] == "rejected"
    assert outcomes(await registry.settle(changed(initiative.subject, 1, "Nu"))) == ["accepted"]


async def test_other_content_under_an_old_id_is_refused(registry: Room) -> None:
    stated = registered()
    await settle_days_ago(registry, 91, stated)
    await retain(registry.pool)
    other = replace(registered(), source=stated.source, id=stated.id)
    told = await said(registry, other)
    assert told["outcome"] == "rejected"
    [problem] = told["problems"]
    assert problem["code"] == "same-id-other-content" and "no longer kept" in problem["detail"]


async def test_younger_answer_keeps_its_details(registry: Room) -> None:
    stated = refused()
    await settle_days_ago(registry, 89, stated)
    before = await said(registry, stated)
    await retain(registry.pool)
    assert {**await said(registry, stated), "record": ""} == {**before, "record": ""}


async def test_deferred_answer_is_kept_however_old(registry: Room) -> None:
    """Only a final answer is shortened; a deferral may be lost in a restore and wait for its sender."""
    stated = registered()
    await settle_days_ago(registry, 91, stated)
    answer = orjson.dumps(
        {"outcome": "deferred", "record": "http", "submissionhash": stated.hash.hex(), "lost": True}
    )
    await registry.pool.execute("update submission set answer = $1", answer)
    later = refused()
    await settle_days_ago(registry, 90.5, later)
    await retain(registry.pool)
    assert await registry.pool.fetchval("select answer from submission where id = $1", stated.id) == answer
    [row] = await registry.rows(STORED, later.id)
    assert row["size"] <= BYTES_MAX


async def test_old_answer_can_be_looked_up(registry: Room) -> None:
    stated = registered()
    await settle_days_ago(registry, 91, stated)
    before = await answer_store.look_up(registry.pool, identity(stated))
    await retain(registry.pool)
    after = await answer_store.look_up(registry.pool, identity(stated))
    assert before is not None and after is not None
    assert after == {**before, "record": ""}
