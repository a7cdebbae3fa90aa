"""Receipts: the answer to every submission. The receipt, not Kafka's acknowledgement, is the promise."""

from typing import Final, Literal

from samenspel.contracts.problems import Problem
from samenspel.contracts.values import Model

RECEIPT_TYPE: Final = "nl.samenspel.submissions-answered.v1"
RECEIPT_BYTES_MAX: Final = 64_000
PROBLEMS_MAX: Final = 100

Outcome = Literal["accepted", "rejected", "deferred", "repeated"]


class PublishedEvent(Model):
    """Where a canonical event stands: ``lane`` as ``<topic>/<partition>``, its number there, its id and type."""

    lane: str
    timeline: int
    sequence: int
    id: str
    type: str


class Answer(Model):
    """What became of the submission ``(source, id)``.

    ``repeated`` carries the outcome that the first one had; ``deferred`` is followed by a second, final answer.
    ``record`` is where the submission lay: ``<topic>/<partition>/<offset>``, or ``http``.
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
    """Data of one record on ``samenspel.receipts.<domain>.<oin>``: the answers of one transaction, or a part."""

    answers: tuple[Answer, ...]
