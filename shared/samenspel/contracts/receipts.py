"""Receipts: the answer to every submission. A receipt confirms a decision; Kafka's acknowledgement does not."""

from typing import Final, Literal

from samenspel.contracts.integers import Count, Sequence, Timeline
from samenspel.contracts.problems import Problem
from samenspel.contracts.values import Model, Moment

RECEIPT_TYPE: Final = "nl.samenspel.submissions-answered.v1"
RECEIPT_BYTES_MAX: Final = 64_000

Outcome = Literal["accepted", "rejected", "deferred", "repeated"]


class PublishedEvent(Model):
    """Reference to a canonical event: lane as ``<topic>/<partition>``, timeline, sequence, id and type."""

    lane: str
    timeline: Timeline
    sequence: Sequence
    id: str
    type: str


class AwaitedAggregate(Model):
    """The aggregate that a deferred submission waits for: kind (``organisation.v1``) and subject."""

    aggregate: str
    subject: str


class Answer(Model):
    """Answer to the submission ``(source, id)``.

    A *repeated* answer contains the outcome of the first submission. A *deferred* answer is followed by a second,
    final answer. ``record`` is the origin of the submission: ``<topic>/<partition>/<offset>``, or ``http``.

    A *deferred* answer names the awaited aggregate, the deadline, and the moment of receipt. After the deadline the
    submission is rejected. A rejection with ``limit-reached`` or ``decision-failed`` has no ``submissionhash``: the
    same submission may be sent again under the same id.
    """

    source: str
    id: str
    outcome: Outcome
    record: str = ""
    first_outcome: Outcome | None = None
    submissionhash: str | None = None
    events: tuple[PublishedEvent, ...] = ()
    problems: tuple[Problem, ...] = ()
    problems_left_out: Count = 0
    waits_for: AwaitedAggregate | None = None
    waits_until: Moment | None = None
    received_at: Moment | None = None


class Receipt(Model):
    """Data of one record on ``samenspel.receipts.<domain>.<oin>``: all or some answers of one transaction."""

    answers: tuple[Answer, ...]
