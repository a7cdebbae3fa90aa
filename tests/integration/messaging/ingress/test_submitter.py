"""Groups of HTTP requests on PostgreSQL: committed whole or not at all, and each request has its own outcome."""

import asyncio
from collections.abc import Iterable, Sequence
from types import SimpleNamespace
from typing import Any, Final

import orjson
import pytest
from samenspel.contracts.catalogue import AggregateRef
from samenspel.contracts.submissions import Submission
from samenspel.contracts.topics import INITIATIVES, ORGANISATIONS, receipts
from samenspel.messaging.decisions.decider import Decider
from samenspel.messaging.decisions.state import AggregateChange, DecisionState
from samenspel.messaging.errors import LaneDiverged
from samenspel.messaging.inbox.answers import RenderedAnswer
from samenspel.messaging.ingress import submitter
from samenspel.messaging.ingress.submitter import Submitter
from samenspel.runtime.database_health import StorageFull

from tests.support.crash import deaths_of
from tests.support.deciders import FACT, Referring, arrive
from tests.support.events import initiative
from tests.support.service_schema import NOON, OPERATOR, Room, registered, statement, submission

CITY: Final = "00000099000000000344"
ADMITTED: Final = {"oin": CITY, "name": "Gemeente Utrecht", "kind": "municipality"}
NEEDING: Final = "needs the lane"


class Everywhere:
    """A Kafka with the receipts topic of every organisation."""

    async def bounds(self, partition: object) -> tuple[int, int]:
        return 0, 0

    async def existing(self, topics: Iterable[str]) -> set[str]:
        return set(topics)


async def submitter_of(room: Room, *organisations: str, handlers: Decider | None = None) -> Submitter:
    """Ready for these organisations: their requests of one moment form one group."""
    reconciler: Any = SimpleNamespace(closed_lanes={})
    log_reader: Any = Everywhere()
    parts = room.processor(handlers), room.pool, log_reader, reconciler, StorageFull()
    made = Submitter(*parts, lambda number: None)
    for each in organisations:
        await made.ensure_receipts(each)
    return made


async def at_once(made: Submitter, *given: Submission) -> list[Any]:
    """The answers or errors to one request of each submission, all in one group."""
    tasks = [made.submit(each.organisation, [each]) for each in given]
    return [
        each if isinstance(each, Exception) else only(each)
        for each in await asyncio.gather(*tasks, return_exceptions=True)
    ]


def only(answered: Any) -> RenderedAnswer:
    [answer] = answered
    assert isinstance(answer, RenderedAnswer)
    return answer


async def open_for_the_city(room: Room) -> None:
    """The lanes of an admitted city, and of the operator; the aggregate of another service is there."""
    await arrive(room)
    await room.open_lanes(OPERATOR, CITY)
    await room.settle(submission(statement("organisation-admitted", ADMITTED)))


def of_city(**changes: Any) -> Submission:
    return submission(statement("initiative-registered", initiative(**changes), by=CITY), by=CITY)


async def test_group_is_committed_whole_or_not_at_all(registry: Room) -> None:
    """Dead at any point, nothing of any request is left; afterwards each request is answered."""
    await registry.open_lanes(OPERATOR)
    made = await submitter_of(registry, OPERATOR)
    given = [registered() for _ in range(3)]

    async def attempt() -> bool:
        return not any(isinstance(each, OSError) for each in await at_once(made, *given))

    reached = await deaths_of(registry, attempt)
    assert {"http.begin", "journal.lock", "http.commit"} <= set(reached)
    assert reached.count("http.begin") == 1, "one transaction for three requests"
    rows = await registry.rows("select topic, value from journal order by topic, sequence")
    assert [row["topic"] for row in rows] == [INITIATIVES] * 3 + [receipts("initiatives", OPERATOR)]
    assert [each["id"] for each in orjson.loads(rows[3]["value"])["answers"]] == [each.id for each in given]


async def test_same_submission_of_two_connections_is_accepted_once_and_repeated_once(registry: Room) -> None:
    await registry.open_lanes(OPERATOR)
    given = registered()
    first, second = await at_once(await submitter_of(registry, OPERATOR), given, given)
    assert (first.outcome, second.outcome) == ("accepted", "repeated")
    assert orjson.loads(first.json)["events"] == orjson.loads(second.json)["events"]
    assert len(await registry.rows("select from journal where topic = $1", INITIATIVES)) == 1
    assert len(await registry.rows("select from submission")) == 1


class Selective(Referring):
    """Only initiatives with the title `NEEDING` need the lane, and those with the title "defect" fail."""

    def foreign_refs(self, submission: Submission) -> Sequence[AggregateRef]:
        return [FACT] if getattr(submission.data, "title", "") == NEEDING else []

    def decide(self, submission: Submission, state: DecisionState, now: Any = NOON) -> list[AggregateChange]:
        if getattr(submission.data, "title", "") == "defect":
            raise ValueError("a defect")
        return super().decide(submission, state, now)


async def test_only_requests_that_need_a_diverged_lane_are_refused(registry: Room) -> None:
    handlers = Selective()
    handlers.refers = lambda submission: False
    await open_for_the_city(registry)
    await registry.pool.execute("insert into checkpoint (topic, lane, diverged_at) values ($1, 0, 2)", ORGANISATIONS)
    made = await submitter_of(registry, OPERATOR, CITY, handlers=handlers)
    held, free, other = await at_once(made, of_city(title=NEEDING), of_city(title="free"), registered())
    assert isinstance(held, LaneDiverged)
    assert held.lanes == {(ORGANISATIONS, 0)}
    assert (free.outcome, other.outcome) == ("accepted", "accepted")
    assert len(await registry.rows("select from submission")) == 3


async def test_request_whose_decision_fails_leaves_nothing_and_the_others_are_accepted(registry: Room) -> None:
    handlers = Selective()
    handlers.refers = lambda submission: False
    await open_for_the_city(registry)
    made = await submitter_of(registry, OPERATOR, CITY, handlers=handlers)
    failed, *answered = await at_once(made, of_city(title="defect"), of_city(), registered(), registered())
    assert isinstance(failed, ValueError)
    assert [each.outcome for each in answered] == ["accepted"] * 3
    assert len(await registry.rows("select from submission")) == 4


async def test_organisation_without_its_receipts_lane_delays_no_other(
    registry: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lane of a new organisation is reconciled with Kafka a moment later."""
    monkeypatch.setattr(submitter, "SUBMIT_SECONDS_MAX", 0.2)
    await registry.open_lanes(OPERATOR)
    made = await submitter_of(registry, OPERATOR, CITY)
    late, other = await at_once(made, of_city(), registered())
    assert isinstance(late, TimeoutError)
    assert other.outcome == "accepted"
    await registry.open_lanes(CITY)
    monkeypatch.setattr(submitter, "SUBMIT_SECONDS_MAX", 60)
    [answer] = await at_once(made, of_city())
    assert answer.organisation == CITY
