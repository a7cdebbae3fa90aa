"""The catalogue of points: where each await on the path of a fact goes to, and which services come by.

The names stand in the code, each once, before its await; a test holds both equal.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from samenspel.contracts.topics import DOMAIN_OF, Service

from tests.faults.kill.losing_proxy import FETCH, LIST_OFFSETS, METADATA, PRODUCE, Question, anything, request


class Towards(Enum):
    """Whose answer is awaited, and to which question."""

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
    """``at_birth``: only a life that has just begun comes by."""

    name: str
    towards: Towards = Towards.POSTGRES
    at_birth: bool = False


def _points(text: str, towards: Towards = Towards.POSTGRES, *, at_birth: bool = False) -> list[Point]:
    return [Point(name, towards, at_birth) for name in text.split()]


EVERY: Final = [
    *_points("lanes.ensure doors.make doors.find", at_birth=True),
    *_points("comparison.standing comparison.head comparison.same-events", at_birth=True),
    *_points("comparison.reset comparison.open", at_birth=True),
    *_points("probe.connect producer.start subscribing.start", Towards.BROKER, at_birth=True),
    *_points("probe.metadata", Towards.METADATA, at_birth=True),
    *_points("probe.start probe.end", Towards.OFFSETS, at_birth=True),
    *_points("reader.wait", Towards.FETCH),
    *_points("ingress.begin doors.lock doors.move ingress.commit http.begin http.commit"),
    *_points("lanes.lock lanes.journal aggregates.load aggregates.save"),
    *_points("answers.known answers.remember waiting.queues waiting.ready"),
    *_points("relay.look relay.claim"),
    *_points("relay.send relay.acknowledge", Towards.PRODUCE),
    *_points("relay.move"),
]
"""What every service comes by."""

FOLLOWING: Final = [
    *_points("positions.make positions.find", at_birth=True),
    *_points("probe.fetch", Towards.FETCH, at_birth=True),
    *_points("projector.begin positions.lock projector.hashes projector.save positions.move projector.commit"),
    *_points("aggregates.share-projection"),
]
"""What those come by who follow the facts of others."""

BREAKING: Final = _points(
    "quarantine.set-apart redrive.begin quarantine.hold quarantine.find quarantine.act redrive.commit"
)
"""What those come by whom a submission breaks (`tests.faults.kill.failing_decider`), and whose operator retries it;
a discard comes by the same points as a retry."""

POINTS: Final[Mapping[Service, list[Point]]] = {
    "registry": [
        *EVERY,
        *BREAKING,
        *_points("aggregates.share registry.index-initiatives ingress.set-apart ingress.set-apart-commit"),
    ],
    "funding": [
        *EVERY,
        *FOLLOWING,
        *BREAKING,
        *_points("waiting.enqueue waiting.read waiting.first waiting.leave waiting.stay answers.revise"),
        *_points("waker.begin waker.commit waker.set-apart answers.forget waker.set-apart-commit"),
        *_points("funding.granted funding.open-budgets funding.draw funding.index-applications"),
    ],
    "notifier": [
        *EVERY,
        *FOLLOWING,
        *_points("deliveries.take-back", at_birth=True),
        *_points("notifier.endpoints notifier.begin-subscription notifier.place-cursor"),
        *_points("notifier.lock-cursor notifier.end-subscription feed.add"),
        *_points("deliveries.begin deliveries.behind deliveries.open deliveries.move deliveries.commit"),
        *_points("deliveries.claim outcomes.begin outcomes.lock outcomes.close outcomes.promote"),
        *_points("outcomes.postpone outcomes.count outcomes.log outcomes.commit"),
        *_points("sender.tell", Towards.RECEIVER),
    ],
}

BY_COMMAND: Final = {"recovery.commit", "timelines.commit"}
"""What only an operator's command comes by: `tests.faults.restore` dies there."""

AFTER_A_LOSS: Final = {"relay.from-the-start"}
"""What is only come by when Kafka loses what two relays had acknowledged: only the model dies there."""


class Mode(Enum):
    """What happens at a point."""

    BEFORE = "killed before"
    AFTER = "killed after"
    """The other side has done it, and the process dies without having heard so."""
    LOST = "answer lost"
    """The same, but the connection is reset and the process lives on."""


@dataclass(frozen=True, slots=True)
class Case:
    """One run. ``seed`` decides which time the point is reached, and what is submitted meanwhile."""

    service: Service
    point: Point
    mode: Mode
    seed: int

    def __str__(self) -> str:
        return f"{self.service} {self.point.name} {self.mode.name.lower()} {self.seed}"


def case(text: str) -> Case:
    """The case that `str` wrote."""
    wanted, name, mode, seed = text.split()
    service = next(each for each in DOMAIN_OF if each == wanted)
    point = next(each for each in POINTS[service] if each.name == name)
    return Case(service, point, Mode[mode.upper()], int(seed))
