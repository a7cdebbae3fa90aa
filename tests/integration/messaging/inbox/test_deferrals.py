"""Deferred submissions: a queue per organisation and subject, a deadline, and a limit per organisation."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import orjson
import pytest
from samenspel.contracts.submissions import Submission
from samenspel.messaging.inbox import deferrals
from samenspel.messaging.inbox.answers import RenderedAnswer, rfc3339

from tests.support.deciders import FACT, REGISTERED, Referring, arrive
from tests.support.deferrals import said, wake
from tests.support.events import initiative, new_id
from tests.support.service_schema import OPERATOR, Room, changed, outcomes, registered, statement, submission

CITY = "00000099000000000344"
ADMITTED = {"oin": CITY, "name": "Gemeente Utrecht", "kind": "municipality"}
EXPIRE = "update deferral set deadline = now() - interval '1 second'"
HOUR = timedelta(hours=1)
LEAVE = "update projection set stale = true"


def of_city(stem: str, data: dict[str, Any]) -> Submission:
    return submission(statement(stem, data, CITY), CITY)


@pytest.fixture
async def city(registry: Room) -> str:
    """Another organisation than the operator: admitted, with a receipts lane."""
    await registry.open_lanes(CITY)
    await registry.settle(submission(statement("organisation-admitted", ADMITTED)))
    return CITY


async def two_changes_wait(room: Room, handlers: Referring) -> tuple[Submission, Submission]:
    """Two changes of an initiative, both of its first version; only the first of them misses a fact."""
    known = registered()
    first, second = changed(known.subject, 1, "Eerst"), changed(known.subject, 1, "Daarna")
    handlers.refers = lambda each: each.id == first.id
    given = await room.settle(known, first, second, handlers=handlers)
    assert outcomes(given) == ["accepted", "deferred", "deferred"]
    return first, second


def details_of(answer: RenderedAnswer) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(answer.json)
    return found


async def test_later_submission_on_a_deferred_subject_is_deferred_too(registry: Room, handlers: Referring) -> None:
    first, second = await two_changes_wait(registry, handlers)
    await arrive(registry)
    await wake(registry, handlers)
    assert (await said(registry))[-2:] == [(first.id, "accepted"), (second.id, "rejected", "stale-version")]


async def test_deferred_submission_that_is_not_first_is_not_decided(registry: Room, handlers: Referring) -> None:
    """Another instance saw the submission at the head of the queue, before the earlier submission came back."""
    _, second = await two_changes_wait(registry, handlers)
    async with registry.pool.acquire() as connection, connection.transaction():
        queue = deferrals.Queue(registry.processor().lane_of(second), second.subject, OPERATOR)
        queued = await deferrals.read(connection, [queue])
        assert await registry.processor(handlers).process_deferred(connection, queued[1:]) == []


async def test_deferral_does_not_block_another_organisation(registry: Room, handlers: Referring, city: str) -> None:
    """A guessed id cannot be kept from the organisation that it belongs to."""
    squatting = registered()
    assert outcomes(await registry.settle(squatting, handlers=handlers)) == ["deferred"]
    handlers.refers = lambda each: each.id == squatting.id
    rightful = of_city("initiative-registered", initiative(initiative_id=squatting.subject))
    assert outcomes(await registry.settle(rightful, handlers=handlers)) == ["accepted"]
    await arrive(registry)
    await wake(registry, handlers)
    assert (await said(registry))[-1] == (squatting.id, "rejected", "already-exists")


@pytest.mark.parametrize(("arrives", "outcome"), [(True, ["accepted"]), (False, ["rejected", "unknown-initiative"])])
async def test_submission_about_an_aggregate_that_only_a_deferral_has_waits_for_the_deferral(
    registry: Room, handlers: Referring, city: str, arrives: bool, outcome: list[str]
) -> None:
    """A rollout of another organisation: accepted with the initiative, and rejected with the initiative."""
    first = registered()
    await registry.settle(first, handlers=handlers)
    rollout = of_city("rollout-started", {"initiative_id": first.subject, "rollout_id": new_id()})
    [answer] = await registry.settle(rollout, handlers=handlers)
    assert details_of(answer)["waits_for"] == {"aggregate": "initiative.v1", "subject": first.subject}
    await wake(registry, handlers)
    assert len(await registry.rows("select from deferral")) == 2
    if arrives:
        await arrive(registry)
    else:
        await registry.pool.execute(f"{EXPIRE} where id = $1", first.id)
    await wake(registry, handlers)
    assert await registry.rows("select from deferral") == []
    [stored] = await registry.rows("select answer from submission where id = $1", rollout.id)
    found = orjson.loads(stored["answer"])
    assert [found["outcome"], *(each["code"] for each in found.get("problems", ()))] == outcome


async def test_submission_about_an_unknown_aggregate_is_rejected_at_once(
    registry: Room, handlers: Referring, city: str
) -> None:
    await registry.settle(registered(), handlers=handlers)
    unknown = of_city("rollout-started", {"initiative_id": new_id(), "rollout_id": new_id()})
    assert outcomes(await registry.settle(unknown, handlers=handlers)) == ["rejected"]


async def test_deferred_answer_names_aggregate_deadline_and_moment_of_receipt(
    registry: Room, handlers: Referring
) -> None:
    """For each type its own patience; the shown deadline is the stored one."""
    short, long = registered(), registered()
    async with registry.pool.acquire() as connection, connection.transaction():
        processor = replace(registry.processor(handlers), patience={REGISTERED: HOUR})
        [first] = await processor.process(connection, [short])
    [second] = await registry.settle(long, handlers=handlers)
    rows = await registry.rows("select deadline, received_at, deadline - now() as left from deferral order by number")
    for answer, row, patience in zip((first, second), rows, (HOUR, deferrals.PATIENCE), strict=True):
        assert patience - timedelta(minutes=5) < row["left"] <= patience
        assert details_of(answer) == {
            **details_of(answer),
            "waits_for": {"aggregate": FACT[0], "subject": FACT[1]},
            "waits_until": rfc3339(row["deadline"]),
            "received_at": rfc3339(row["received_at"]),
        }


async def test_deadline_is_not_before_that_of_an_earlier_deferral_of_the_queue(
    registry: Room, handlers: Referring
) -> None:
    first = registered()
    second = changed(first.subject, 1, "Anders")
    async with registry.pool.acquire() as connection, connection.transaction():
        processor = replace(registry.processor(handlers), patience={second.type.name: HOUR})
        answers = await processor.process(connection, [first, second])
    assert details_of(answers[0])["waits_until"] == details_of(answers[1])["waits_until"]
    assert details_of(answers[1])["waits_for"] == {"aggregate": "initiative.v1", "subject": first.subject}


async def test_stored_answer_names_the_aggregate_awaited_now(registry: Room, handlers: Referring, city: str) -> None:
    """First another organisation's initiative, then the fact that this one refers to itself."""
    first = registered()
    rollout = of_city("rollout-started", {"initiative_id": first.subject, "rollout_id": new_id()})
    await registry.settle(first, rollout, handlers=handlers)
    await arrive(registry)
    await wake_only(registry, handlers, first)
    await registry.pool.execute(LEAVE)
    handlers.refers = lambda each: each.id == rollout.id
    await wake(registry, handlers)
    [answer] = await registry.settle(rollout, handlers=handlers)
    assert (answer.outcome, details_of(answer)["first_outcome"]) == ("repeated", "deferred")
    assert details_of(answer)["waits_for"] == {"aggregate": FACT[0], "subject": FACT[1]}


async def wake_only(room: Room, handlers: Referring, stated: Submission) -> None:
    """Decide the queue of this submission."""
    queue = deferrals.Queue(room.processor().lane_of(stated), stated.subject, stated.organisation)
    async with room.pool.acquire() as connection, connection.transaction():
        queued = await deferrals.read(connection, [queue])
        assert len(await room.processor(handlers).process_deferred(connection, queued)) == len(queued)


async def test_deferral_is_rejected_after_its_deadline_and_the_next_is_decided(
    registry: Room, handlers: Referring
) -> None:
    first, second = await two_changes_wait(registry, handlers)
    await registry.pool.execute(f"{EXPIRE} where id = $1", first.id)
    await wake(registry, handlers)
    assert (await said(registry))[-2:] == [(first.id, "rejected", "unknown-organisation"), (second.id, "accepted")]
    [answer] = await registry.settle(first, handlers=handlers)
    assert (answer.outcome, details_of(answer)["first_outcome"]) == ("repeated", "rejected")


async def test_deferrals_are_limited_per_organisation(registry: Room, handlers: Referring, city: str) -> None:
    """A refused submission may be sent again under the same id."""
    one, two, three = registered(), registered(), registered()
    theirs = of_city("initiative-registered", initiative())
    assert outcomes(await registry.settle(one, handlers=handlers)) == ["deferred"]
    async with registry.pool.acquire() as connection, connection.transaction():
        processor = replace(registry.processor(handlers), deferrals_max=2)
        given = await processor.process(connection, [two, three, theirs])
    assert outcomes(given) == ["deferred", "rejected", "deferred"]
    found = details_of(given[1])
    assert [each["code"] for each in found["problems"]] == ["limit-reached"]
    assert "submissionhash" not in found
    assert await registry.rows("select from submission where id = $1", three.id) == []
    await arrive(registry)
    await wake(registry, handlers)
    assert outcomes(await registry.settle(three, handlers=handlers)) == ["accepted"]


async def test_deferral_lost_in_a_restore_keeps_its_moment_of_receipt(registry: Room, handlers: Referring) -> None:
    first = registered()
    [answer] = await registry.settle(first, handlers=handlers)
    await registry.pool.execute("delete from deferral")
    lost = {**details_of(answer), "lost": True}
    await registry.pool.execute("update submission set answer = $1", orjson.dumps(lost))
    late = replace(first, received_at=first.received_at + timedelta(days=3))
    other = replace(late, hash=sha256(b"other content").digest())
    assert outcomes(await registry.settle(other, late, handlers=handlers)) == ["rejected", "deferred"]
    [row] = await registry.rows("select received_at from deferral")
    assert row["received_at"] == first.received_at
    assert outcomes(await registry.settle(late, handlers=handlers)) == ["repeated"]


async def test_deferral_lost_in_a_restore_is_decided_when_received_again(registry: Room, handlers: Referring) -> None:
    first = registered()
    [answer] = await registry.settle(first, handlers=handlers)
    await registry.pool.execute("delete from deferral")
    await registry.pool.execute(
        "update submission set answer = $1", orjson.dumps({**details_of(answer), "lost": True})
    )
    await arrive(registry)
    assert outcomes(await registry.settle(first, first, handlers=handlers)) == ["accepted", "repeated"]
    assert outcomes(await registry.settle(first, handlers=handlers)) == ["repeated"]
