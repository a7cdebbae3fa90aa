"""Submitters of the demo: one per party, with all final answers accepted, and promises kept per lane."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any

import pytest
from samenspel.client.submit.statements import Statement
from samenspel.contracts.receipts import Answer, PublishedEvent

from deploy.demo import submitters
from deploy.demo.errors import DemoFailed
from deploy.demo.sample import Sample
from deploy.demo.statements import Statements
from deploy.demo.submitters import Submitters

SAMPLE = Sample.read()
STATED = {key: list(each) for key, each in list(Statements(SAMPLE).registrations().items())[:3]}


class Submitter:
    """Answers every statement with this outcome, on lane 0 with rising sequences."""

    opened = 0
    outcome: Any = "accepted"
    sequence = 0

    async def __aenter__(self) -> "Submitter":
        Submitter.opened += 1
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...

    async def submit(self, statements: Sequence[Statement], within: float | None = None) -> list[Answer | None]:
        return [self._answer(each) for each in statements]

    def _answer(self, stated: Statement) -> Answer | None:
        if self.outcome is None:
            return None
        Submitter.sequence += 1
        event = PublishedEvent(
            lane="samenspel.initiatives/0", timeline=1, sequence=Submitter.sequence, id="e", type="t"
        )
        source, id = stated.identity
        return Answer(source=source, id=id, outcome=self.outcome, record="http", events=(event,))


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("opened", 0), ("outcome", "accepted"), ("sequence", 0)):
        monkeypatch.setattr(Submitter, name, value)
    monkeypatch.setattr(submitters, "submitter_for", lambda profile, oin, via: Submitter())


async def test_each_party_submits_through_one_submitter() -> None:
    async with Submitters(None, SAMPLE) as made:  # type: ignore[arg-type]  # no profile is needed
        for _ in range(2):
            answers = await made.submit(STATED)
    assert Submitter.opened == len(STATED)
    assert len(answers) == sum(map(len, STATED.values()))
    assert made.promised == {"samenspel.initiatives/0": Submitter.sequence}


@pytest.mark.parametrize(
    ("outcome", "reason"), [(None, "no answer"), ("rejected", "rejected"), ("deferred", "deferred")]
)
async def test_answer_that_is_not_accepted_ends_the_demo(
    outcome: Any, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Submitter, "outcome", outcome)
    async with Submitters(None, SAMPLE) as made:  # type: ignore[arg-type]
        with pytest.raises(DemoFailed, match=reason):
            await made.submit(STATED)


async def test_deferred_answer_is_returned_to_who_asks_for_the_first_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Submitter, "outcome", "deferred")
    [(key, statements), *_] = STATED.items()
    async with Submitters(None, SAMPLE) as made:  # type: ignore[arg-type]
        answers = await made.submit_without_waiting(key, statements)
    assert {answer and answer.outcome for answer in answers} == {"deferred"}
