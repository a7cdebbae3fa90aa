"""Decisions on submissions, rendered as answers: JSON for receipts and HTTP responses. Pure functions."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import orjson

from samenspel.contracts.catalogue import AggregateRef
from samenspel.contracts.cloudevents import ATTRIBUTE_CHARS_MAX, Envelope
from samenspel.contracts.problems import PROBLEMS_MAX, Problem, Rejected
from samenspel.contracts.receipts import RECEIPT_BYTES_MAX, Outcome
from samenspel.contracts.submission_hashes import HashKeys, PublishedHash
from samenspel.contracts.submissions import Submission

PROBLEM_BYTES_MAX: Final = 48_000
"""Size limit of all problems in an answer. The rest of a receipt's 64,000 bytes is for the other fields."""

SubmissionIdentity = tuple[str, str, str]
"""Organisation of the entry point, source, id. Two submissions with equal identity are the same submission."""
EventRef = dict[str, str | int]
"""A canonical event in an answer (`contracts.receipts.PublishedEvent`)."""


@dataclass(frozen=True, slots=True)
class UnreadableSubmission:
    """Unreadable input: the entry point, the readable part of the identity, the problems.

    ``problems_left_out`` is the number of further problems.
    """

    organisation: str
    source: str
    id: str
    problems: Sequence[Problem]
    record: str
    problems_left_out: int = 0


Incoming = Submission | UnreadableSubmission


@dataclass(slots=True)
class FirstAnswer:
    """The stored answer to a submission. ``details`` holds the other fields of the answer's JSON.

    Made for every submission; a frozen dataclass costs three times as much to create.

    The hash is plain, except in an answer that a recovery read from an event. ``is_lost``: a recovery restored the
    answer *deferred* but not the deferral. The submission is then decided anew.
    """

    outcome: Outcome
    record: str
    submissionhash: PublishedHash
    details: Mapping[str, Any] = field(default_factory=dict)
    is_lost: bool = False


@dataclass(slots=True)
class Accepted:
    """The submission changed an aggregate; ``events`` are the resulting canonical events."""

    events: Sequence[EventRef]


@dataclass(frozen=True, slots=True)
class Refused:
    """The submission changed nothing. ``problems`` is limited to the size of an answer; see `refused`."""

    problems: Sequence[Mapping[str, str]]
    problems_left_out: int = 0


@dataclass(frozen=True, slots=True)
class Deferred:
    """The submission waits for an aggregate, until a deadline. A final answer follows.

    ``received_at`` is the moment of receipt, which counts again when the submission is resent after a restore.
    """

    waits_for: AggregateRef
    waits_until: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Repeat:
    """The submission was answered before, with the same content."""

    first: FirstAnswer


Decision = Accepted | Refused | Deferred | Repeat

DETAILS: Final = ("events", "problems", "problems_left_out", "waits_for", "waits_until", "received_at")
"""Fields of an answer that depend on the kind of decision."""
RETRYABLE: Final = "limit-reached"
"""Code of a refusal that is no first answer: the same submission may be sent again under the same id."""
EXPIRED: Final = "the record is no longer kept"
DECISION_FAILED: Final = Problem(
    code="decision-failed",
    field="/",
    detail="processing this submission failed; the fault is in our service; the submission is kept in quarantine",
    fix="Nothing: the operator processes the submission again after a repair, and a second receipt follows. "
    "Sending the submission again is harmless.",
)


def unreadable_submission(
    organisation: str, envelope: Envelope, refusal: Rejected, record: str
) -> UnreadableSubmission:
    """Input to answer with the problems of ``refusal``. The identity is cut to the length of an answer."""
    source, id = envelope.source[:ATTRIBUTE_CHARS_MAX], envelope.id[:ATTRIBUTE_CHARS_MAX]
    return UnreadableSubmission(organisation, source, id, refusal.problems, record, refusal.left_out)


def refused(problems: Sequence[Problem], left_out: int = 0) -> Refused:
    """A refusal with as many problems as fit into a receipt, at most 100, and the number of problems left out."""
    shown = list(_that_fit(problems))
    return Refused(shown, left_out + len(problems) - len(shown))


def decision_failed(identity: SubmissionIdentity, record: str) -> UnreadableSubmission:
    """Input to answer with when processing failed.

    Without a content hash, the answer is not stored as the first answer: the submission can be retried.
    """
    organisation, source, id = identity
    return UnreadableSubmission(organisation, source, id, [DECISION_FAILED], record)


def is_at_limit(decision: Decision) -> bool:
    """Whether a limit in number refused the submission.

    Such a refusal is no first answer and has no content hash: the same id may be sent again.
    """
    return isinstance(decision, Refused) and any(each["code"] == "limit-reached" for each in decision.problems)


def repeat_of(submission: Submission, first: FirstAnswer, hash_keys: HashKeys) -> Repeat | Refused:
    """*Repeat* if the content equals the first submission's content, else a refusal: an id has a single content.

    Raises `HashKeyMissing` if only a key that is not in the settings can tell.
    """
    if hash_keys.matches(first.submissionhash, submission.hash):
        return Repeat(first)
    return refused([_other_content(submission, first.record)])


@dataclass(slots=True)
class RenderedAnswer:
    """The answer to a submission; ``json`` goes unchanged into a receipt, an HTTP response and the database."""

    organisation: str
    decision: Decision
    json: bytes

    @property
    def outcome(self) -> Outcome:
        return outcome_of(self.decision)

    @property
    def is_refusal(self) -> bool:
        """Whether the answer has problems: a refusal, or the repeat of one."""
        return effect_of(self.decision)[0] == "rejected"


def render(incoming: Incoming, decision: Decision) -> RenderedAnswer:
    """The only rendering of an answer (`contracts.receipts.Answer`)."""
    body: dict[str, Any] = {
        "source": incoming.source[:ATTRIBUTE_CHARS_MAX],
        "id": incoming.id[:ATTRIBUTE_CHARS_MAX],
        "outcome": outcome_of(decision),
        "record": incoming.record,
        **details_of(decision),
    }
    if isinstance(incoming, Submission) and not is_at_limit(decision):
        body["submissionhash"] = incoming.hash.hex()
    return RenderedAnswer(incoming.organisation, decision, orjson.dumps(body))


def outcome_of(decision: Decision) -> Outcome:
    match decision:
        case Accepted():
            return "accepted"
        case Refused():
            return "rejected"
        case Deferred():
            return "deferred"
        case Repeat():
            return "repeated"


def details_of(decision: Decision) -> Mapping[str, Any]:
    """The fields of an answer for a kind of decision."""
    match decision:
        case Accepted(events):
            return {"events": events}
        case Refused(problems, left_out):
            return {"problems": problems, "problems_left_out": left_out}
        case Deferred((aggregate, subject), until, received_at):
            waits_for = {"aggregate": aggregate, "subject": subject}
            return {"waits_for": waits_for, "waits_until": rfc3339(until), "received_at": rfc3339(received_at)}
        case Repeat(first):
            return {"first_outcome": first.outcome, **first.details}


def effect_of(decision: Decision) -> tuple[Outcome, Mapping[str, Any]]:
    """Outcome and details of a decision; for a repeat: of the first answer."""
    if isinstance(decision, Repeat):
        return decision.first.outcome, decision.first.details
    return outcome_of(decision), details_of(decision)


def first_answer(submission: Submission, decision: Decision) -> FirstAnswer:
    """The first answer to a submission."""
    plain = PublishedHash(submission.hash.hex())
    return FirstAnswer(outcome_of(decision), submission.record, plain, details_of(decision))


def read_first_answer(known: Mapping[str, Any]) -> FirstAnswer:
    """The first answer, from the members of a stored answer."""
    details = {name: known[name] for name in DETAILS if name in known}
    is_lost = known.get("lost", False)
    return FirstAnswer(known["outcome"], known["record"], PublishedHash.of(known), details, is_lost)


def as_received_first(submission: Submission, lost: FirstAnswer) -> Submission:
    """The submission with the moment of receipt of its lost deferral."""
    named = lost.details.get("received_at")
    return replace(submission, received_at=datetime.fromisoformat(named)) if named else submission


def _that_fit(problems: Sequence[Problem]) -> Iterator[dict[str, str]]:
    space = PROBLEM_BYTES_MAX
    for problem in problems[:PROBLEMS_MAX]:
        shown = problem.model_dump()
        space -= len(orjson.dumps(shown))
        if space < 0:
            return
        yield shown


def _other_content(submission: Submission, first_record: str) -> Problem:
    return Problem(
        code="same-id-other-content",
        field="id",
        detail=f"{submission.id[:100]!r} was used for other content before ({first_record or EXPIRED})",
        fix="Give every event an id of its own; the first event with this id remains valid.",
    )


def receipts_of(answers: Iterable[RenderedAnswer]) -> Iterator[tuple[str, bytes]]:
    """Answers per organisation, packed into values of at most 64,000 bytes, in order."""
    by_organisation: dict[str, list[bytes]] = {}
    for each in answers:
        by_organisation.setdefault(each.organisation, []).append(each.json)
    for organisation, items in sorted(by_organisation.items()):
        for packed in _packed(items):
            yield organisation, b'{"answers":[' + b",".join(packed) + b"]}"


def _packed(items: Sequence[bytes]) -> Iterator[list[bytes]]:
    # The 64,000 bytes include headers, brackets and commas; 2,000 bytes are more than these need.
    space = RECEIPT_BYTES_MAX - 2_000
    packed: list[bytes] = []
    size = 0
    for item in items:
        if packed and size + len(item) + 1 > space:
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
