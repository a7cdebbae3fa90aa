"""Receipts: the answer to every submission. A receipt confirms a decision; Kafka's acknowledgement does not."""

from typing import Final, Literal

from samenspel.contracts.problems import Problem
from samenspel.contracts.values import Model

RECEIPT_TYPE: Final = "nl.samenspel.submissions-answered.v1"
RECEIPT_BYTES_MAX: Final = 64_000

Outcome = Literal["accepted", "rejected", "deferred", "repeated"]


class PublishedEvent(Model):
    """Reference to a canonical event: lane as ``<topic>/<partition>``, timeline, sequence, id and type."""

    lane: str
    timeline: int
    sequence: int
    id: str
    type: str


class Answer(Model):
    """Answer to the submission ``(source, id)``.

    A *repeated* answer contains the outcome of the first submission. A *deferred* answer is followed by a second,
    final answer. ``record`` is the origin of the submission: ``<topic>/<partition>/<offset>``, or ``http``.
    """

    source: str
    id: str
    outcome: Outcome
    record: str = ""
    first_outcome: Outcome | None = None
    submissionhash: str | None = None
    events: tuple[PublishedEvent, ...] = ()
    problems: tuple[Problem, ...] = ()
    problems_left_out: int = 0


class Receipt(Model):
    """Data of one record on ``samenspel.receipts.<domain>.<oin>``: all or some answers of one transaction."""

    answers: tuple[Answer, ...]
