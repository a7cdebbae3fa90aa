"""State of the dependencies: told at every change and once a minute, by reasons that name no address."""

import errno
import socket

import pytest
import structlog
from samenspel.runtime.dependencies import Dependencies, Dependency, os_reason
from samenspel.runtime.log_limits import SECONDS_PER_LINE
from samenspel.runtime.metrics import DEPENDENCY_UP


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_dependency_tells_changes_at_once_and_the_rest_once_a_minute() -> None:
    clock = Clock()
    with structlog.testing.capture_logs() as told:
        kafka = Dependency("kafka", clock)
        for _ in range(100):
            kafka.failed("unreachable")
        kafka.failed("password refused")
        kafka.works()
        kafka.works()
        kafka.failed("unreachable")
        clock.now += SECONDS_PER_LINE
        kafka.failed("unreachable")
    assert [each.get("reason", each["event"]) for each in told] == [
        "unreachable",
        "password refused",
        "dependency answers",
        "unreachable",
        "unreachable",
    ]


def test_the_problems_are_those_that_are_not_solved() -> None:
    dependencies = Dependencies()
    assert set(dependencies.problems()) == {"database", "kafka", "issuer keys"}
    dependencies.kafka.works()
    dependencies.database.failed("PostgreSQL is read-only")
    assert dependencies.problems() == {"database": "PostgreSQL is read-only", "issuer keys": "not reached yet"}


def test_a_metric_shows_what_answers() -> None:
    kafka = Dependency("kafka")
    assert DEPENDENCY_UP.labels("kafka")._value.get() == 0
    kafka.works()
    assert DEPENDENCY_UP.labels("kafka")._value.get() == 1
    kafka.failed("Kafka cannot be reached")
    assert DEPENDENCY_UP.labels("kafka")._value.get() == 0


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed ('10.0.0.1', 5432)"), "connection refused"),
        (socket.gaierror(-2, "Name or service not known"), "the name is not known"),
        (OSError("something about 10.0.0.1"), "oserror"),
    ],
)
def test_a_reason_is_that_of_the_system(error: OSError, reason: str) -> None:
    assert os_reason(error) == reason
