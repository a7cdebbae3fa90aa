"""The catalogue of fail points: the server behind each await on an event's path, and the services passing there.

The names stand in the code, each once, before the await; a test holds both equal.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from samenspel.contracts.topics import DOMAIN_OF, Service

from tests.faults.kill.losing_proxy import FETCH, LIST_OFFSETS, METADATA, PRODUCE, Question, anything, request


class Towards(Enum):
    """The server awaited, and the question."""

    POSTGRES = "postgres", anything
    BROKER = "kafka", anything
    PRODUCE = "kafka", request(PRODUCE)
    FETCH = "kafka", request(FETCH)
    OFFSETS = "kafka", request(LIST_OFFSETS)
    METADATA = "kafka", request(METADATA)
    RECEIVER = "receiver", anything

    def __init__(self, server: str, question: Question) -> None:
        self.server = server
        self.question = question


@dataclass(frozen=True, slots=True)
class Point:
    """``at_birth``: only a new process passes this point. ``behind``: only if its database is behind Kafka."""

    name: str
    towards: Towards = Towards.POSTGRES
    at_birth: bool = False
    behind: bool = False


def _points(
    text: str, towards: Towards = Towards.POSTGRES, *, at_birth: bool = False, behind: bool = False
) -> list[Point]:
    return [Point(name, towards, at_birth, behind) for name in text.split()]


EVERY: Final = [
    *_points("journal.ensure offsets.create offsets.load", at_birth=True),
    *_points("reconciliation.published reconciliation.head reconciliation.same-events", at_birth=True, behind=True),
    *_points("reconciliation.reset reconciliation.mark", at_birth=True, behind=True),
    *_points("unchanged-lanes.published unchanged-lanes.mark ingress-discovery.organisations", at_birth=True),
    *_points("ingress-discovery.position"),
    *_points("log-reader.connect producer.start subscriptions.start", Towards.BROKER, at_birth=True),
    *_points("log-reader.metadata", Towards.METADATA, at_birth=True),
    *_points("log-reader.start log-reader.end", Towards.OFFSETS, at_birth=True),
    *_points("consumer.wait", Towards.FETCH),
    *_points("ingress.begin offsets.lock ingress.commit http.begin http.commit"),
    *_points("journal.lock aggregates.load postgres.write-together"),
    *_points("answers.load due-deferrals.overdue due-deferrals.pass"),
    *_points("relay.unreconciled relay.claim"),
    *_points("relay.send relay.acknowledge", Towards.PRODUCE),
    *_points("relay.save-progress"),
    *_points("retention.begin receipt-retention.oldest receipt-retention.remove"),
    *_points("answer-retention.old answer-retention.compact"),
]
"""Points on the path of every service."""

FOLLOWING: Final = [
    *_points("checkpoints.create checkpoints.load checkpoints.diverged", at_birth=True),
    *_points("checkpoints.begin-reading tails.load", at_birth=True),
    *_points("log-reader.fetch", Towards.FETCH, at_birth=True),
    *_points("projector.begin checkpoints.lock projector.hashes projector.save checkpoints.save projector.commit"),
    *_points("aggregates.load-projected deferrals.load due-deferrals.needing"),
]
"""Points on the path of services with projections."""

BREAKING: Final = _points(
    "quarantine.insert storage-budget.charge redrive.begin quarantine.lock quarantine.load"
    " quarantine.record-action redrive.commit"
)
"""Points on the path of a failing submission (`tests.faults.kill.failing_decider`) and of the operator's retry. A
discard passes the same points as a retry.
"""

POINTS: Final[Mapping[Service, list[Point]]] = {
    "registry": [
        *EVERY,
        *BREAKING,
        *_points("registry.index-initiatives ingress.quarantine ingress.quarantine-commit"),
        *_points("answers.event-types"),
    ],
    "funding": [
        *EVERY,
        *FOLLOWING,
        *BREAKING,
        *_points(
            "deferrals.enqueue deferrals.read deferrals.numbers deferrals.remove"
            " deferrals.change-conditions answers.replace"
        ),
        *_points(
            "deferral-worker.begin deferral-worker.commit deferral-worker.quarantine"
            " answers.delete deferral-worker.quarantine-commit"
        ),
        *_points("funding.granted funding.open-budgets funding.commit-grants funding.index-applications"),
        *_points("funding.registered-initiatives"),
    ],
    "notifier": [
        *EVERY,
        *FOLLOWING,
        *_points("deliveries.take-back", at_birth=True),
        *_points(
            "notifier.endpoints notifier.active-subscriptions notifier.begin-subscription notifier.place-cursor"
        ),
        *_points("notifier.lock-cursor notifier.end-subscription feed.add"),
        *_points("deliveries.begin deliveries.behind deliveries.open deliveries.commit"),
        *_points("deliveries.claim attempts.begin attempts.lock attempts.settle"),
        *_points("attempts.count attempts.commit"),
        *_points("delivery.post", Towards.RECEIVER),
    ],
}

BY_COMMAND: Final = {"recovery.commit", "timelines.commit", "receipt-retention.begin-after"}
"""Points on the path of an operator's command: `tests.faults.restore` dies there."""

AFTER_A_LOSS: Final = {"relay.republish-all"}
"""Points reached only if Kafka loses events acknowledged to two relays: only the model dies there."""


ON_FOREIGN_RECORDS: Final = {"foreign-records.load", "foreign-records.save", "foreign-records.merge"}
"""Points reached only if a record on a followed lane is no canonical event: `test_foreign_records.py` dies there."""


class Mode(Enum):
    """The effect at a point."""

    BEFORE = "killed before"
    AFTER = "killed after"
    """The server has done the work, and the process dies without the reply."""
    LOST = "answer lost"
    """The same, but the connection is reset and the process lives on."""


@dataclass(frozen=True, slots=True)
class Case:
    """A run. ``seed`` selects the occurrence of the point, and the submissions."""

    service: Service
    point: Point
    mode: Mode
    seed: int

    def __str__(self) -> str:
        return f"{self.service} {self.point.name} {self.mode.name.lower()} {self.seed}"


def case(text: str) -> Case:
    """The case from the output of `str`."""
    wanted, name, mode, seed = text.split()
    service = next(each for each in DOMAIN_OF if each == wanted)
    point = next(each for each in POINTS[service] if each.name == name)
    return Case(service, point, Mode[mode.upper()], int(seed))
