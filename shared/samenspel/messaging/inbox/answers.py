"""Answers to submissions: kept to recognise repeats, and sent as receipts in as few records as fit."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from samenspel.contracts.cloudevents import LONGEST
from samenspel.contracts.problems import Problem
from samenspel.contracts.receipts import PROBLEMS_MAX, RECEIPT_BYTES_MAX, Outcome
from samenspel.contracts.submissions import Submission

PROBLEM_BYTES_MAX: Final = 48_000
"""Of the problems in one answer together: the rest of a receipt's 64,000 bytes is for what surrounds them."""


@dataclass(frozen=True, slots=True)
class UnreadableSubmission:
    """A submission that could not even be read as one: its door, what could be made out of it, and what was wrong."""

    organisation: str
    source: str
    id: str
    problems: Sequence[Problem]
    record: str


Incoming = Submission | UnreadableSubmission
SubmissionIdentity = tuple[str, str, str]
"""Organisation of the door, source, id: what makes two submissions the same one."""

DECISION_FAILED: Final = Problem(
    code="decision-failed",
    field="/",
    detail="deciding this broke our service: that is our fault; it is kept in quarantine, and the operator was told",
    fix="Nothing: when it is mended the operator has it decided, and another receipt follows. Repeating is harmless.",
)


def decision_failed(identity: SubmissionIdentity, record: str) -> UnreadableSubmission:
    """What broke the deciding: refused without its hash, so that it is no first answer, for it may be decided yet."""
    organisation, source, id = identity
    return UnreadableSubmission(organisation, source, id, [DECISION_FAILED], record)


@dataclass(slots=True)
class RenderedAnswer:
    """The answer to one submission, as JSON that is put into a receipt and into the HTTP response as it is."""

    organisation: str
    outcome: Outcome
    json: bytes

    @property
    def body(self) -> dict[str, Any]:
        parsed: dict[str, Any] = orjson.loads(self.json)
        return parsed


def answer(to: Incoming, outcome: Outcome, **more: Any) -> RenderedAnswer:
    """An answer that says ``outcome``; ``more`` is what `contracts.receipts.Answer` has besides."""
    # What could not be read may call itself anything: no submission that can be has a longer source or id.
    named = {"source": to.source[:LONGEST], "id": to.id[:LONGEST]}
    body: dict[str, Any] = {**named, "outcome": outcome, "record": to.record, **more}
    if isinstance(to, Submission):
        body["submissionhash"] = to.hash.hex()
    return RenderedAnswer(to.organisation, outcome, orjson.dumps(body))


def rejected(to: Incoming, problems: Sequence[Problem]) -> RenderedAnswer:
    """*Rejected*, with as many problems as a receipt has room for, at most 100, and the number of those left out."""
    shown = list(_that_fit(problems))
    return answer(to, "rejected", problems=shown, problems_left_out=len(problems) - len(shown))


def _that_fit(problems: Sequence[Problem]) -> Iterator[dict[str, Any]]:
    room = PROBLEM_BYTES_MAX
    for problem in problems[:PROBLEMS_MAX]:
        shown = problem.model_dump()
        room -= len(orjson.dumps(shown))
        if room < 0:
            return
        yield shown


def repeated(to: Submission, first: bytes) -> RenderedAnswer:
    """*Repeated*: what the first one led to, said again; the same id with other content is refused."""
    known = orjson.loads(first)
    if known["submissionhash"] != to.hash.hex():
        return rejected(to, [_other_content(to, known["record"])])
    more = {name: known[name] for name in ("events", "problems", "problems_left_out") if name in known}
    return answer(to, "repeated", first_outcome=known["outcome"], **more)


def _other_content(to: Submission, first_record: str) -> Problem:
    return Problem(
        code="same-id-other-content",
        field="id",
        detail=f"{to.id[:100]!r} was used for other content before ({first_record})",
        fix="Give every event an id of its own; the first one stands.",
    )


def receipts_of(answers: Iterable[RenderedAnswer]) -> Iterator[tuple[str, bytes]]:
    """Per organisation, its answers packed into values of at most 64,000 bytes, in order."""
    by_organisation: dict[str, list[bytes]] = {}
    for each in answers:
        by_organisation.setdefault(each.organisation, []).append(each.json)
    for organisation, items in sorted(by_organisation.items()):
        for packed in _packed(items):
            yield organisation, b'{"answers":[' + b",".join(packed) + b"]}"


def _packed(items: Sequence[bytes]) -> Iterator[list[bytes]]:
    # Headers, brackets and commas are part of the 64,000 bytes; 2,000 is more than they take.
    room = RECEIPT_BYTES_MAX - 2_000
    packed: list[bytes] = []
    size = 0
    for item in items:
        if packed and size + len(item) + 1 > room:
            yield packed
            packed, size = [], 0
        packed.append(item)
        size += len(item) + 1
    if packed:
        yield packed


def identity(submission: Submission) -> SubmissionIdentity:
    return submission.organisation, submission.source, submission.id


def rfc3339(when: datetime) -> str:
    """RFC 3339 in UTC with milliseconds."""
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"
