"""A refusal at a limit in number is no first answer: the same id may be sent again, and is decided then."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from samenspel.contracts.problems import Rejected
from samenspel.contracts.submissions import Submission
from samenspel.contracts.topics import receipts
from samenspel.messaging.decisions.state import AggregateChange, DecisionState
from samenspel.messaging.ingress.deferral_worker import DeferralWorker
from samenspel.runtime.limits import SUBSCRIPTIONS

from tests.support.deciders import Referring, arrive
from tests.support.service_schema import OPERATOR, Room, outcomes, registered

RECEIPTS = receipts("initiatives", OPERATOR)


class Full(Referring):
    """Refuses every submission at a limit while ``is_full``. Submissions wait for `FACT` before."""

    def __init__(self) -> None:
        super().__init__()
        self.is_full = True

    def decide(self, submission: Submission, known: DecisionState, now: datetime) -> Sequence[AggregateChange]:
        changes = super().decide(submission, known, now)
        if self.is_full:
            raise Rejected(SUBSCRIPTIONS.problem(20))
        return changes


async def answered(room: Room) -> list[dict[str, Any]]:
    """All answers in receipts, in order."""
    rows = await room.rows("select value from journal where topic = $1 order by sequence", RECEIPTS)
    return [each for row in rows for each in orjson.loads(row["value"])["answers"]]


async def first_answers(room: Room) -> int:
    return int(await room.pool.fetchval("select count(*) from submission"))


async def test_submission_refused_at_a_limit_is_decided_when_it_is_sent_again(registry: Room) -> None:
    await arrive(registry)
    decider, stated = Full(), registered()
    for _ in range(2):
        assert outcomes(await registry.settle(stated, handlers=decider)) == ["rejected"]
    assert await first_answers(registry) == 0
    for answer in await answered(registry):
        assert answer["id"] == stated.id
        assert [each["code"] for each in answer["problems"]] == ["limit-reached"]
        assert "submissionhash" not in answer
    decider.is_full = False
    assert outcomes(await registry.settle(stated, handlers=decider)) == ["accepted"]
    assert outcomes(await registry.settle(stated, handlers=decider)) == ["repeated"]


async def test_deferred_submission_refused_at_a_limit_is_decided_when_it_is_sent_again(registry: Room) -> None:
    decider, stated = Full(), registered()
    assert outcomes(await registry.settle(stated, handlers=decider)) == ["deferred"]
    await arrive(registry)
    worker = DeferralWorker(registry.processor(decider), registry.pool, lambda number: None)
    await worker.poll()
    assert [each["outcome"] for each in await answered(registry)] == ["deferred", "rejected"]
    assert await first_answers(registry) == 0
    decider.is_full = False
    assert outcomes(await registry.settle(stated, handlers=decider)) == ["accepted"]
