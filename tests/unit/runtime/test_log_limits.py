"""One line per cause and minute, of ours and of libraries; all of them JSON, none with a secret."""

import json
import logging
import os
import sys
from collections.abc import Iterator

import pytest
import structlog
from samenspel.runtime import log_limits, logs
from samenspel.runtime.dependencies import Dependencies, Dependency
from samenspel.runtime.log_limits import LINES_PER_EVENT_MAX, SECONDS_PER_LINE, LineLimit
from samenspel.runtime.metrics import LOG_LINES_LOST, LOG_LINES_SUPPRESSED


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limit(clock: Clock) -> Iterator[LineLimit]:
    """No dependency is known to fail."""
    before = set(log_limits.open_causes)
    log_limits.open_causes.clear()
    yield LineLimit(clock)
    log_limits.open_causes.clear()
    log_limits.open_causes.update(before)


def line(event: object, name: str = "samenspel.messaging", level: int = logging.WARNING, **fields: object) -> object:
    """A record as structlog, or a library, gives it to the handler."""
    message = {"event": event, **fields} if name.startswith("samenspel") else event
    return logging.LogRecord(name, level, "x.py", 1, message, (), None)


def passes(limit: LineLimit, *arguments: object, **fields: object) -> bool:
    return limit.filter(line(*arguments, **fields))  # type: ignore[arg-type]  # the arguments are those of line


def test_a_repeated_line_passes_once_a_minute(limit: LineLimit, clock: Clock) -> None:
    assert passes(limit, "relay interrupted", error=ValueError("1"))
    assert not passes(limit, "relay interrupted", error=ValueError("2"))
    clock.now += SECONDS_PER_LINE
    record = line("relay interrupted", error=ValueError("3"))
    assert limit.filter(record)  # type: ignore[arg-type]
    assert record.suppressed == 1  # type: ignore[attr-defined]


def test_all_lines_of_one_cause_are_one_line_a_minute(limit: LineLimit) -> None:
    from aiokafka.errors import KafkaConnectionError

    assert passes(limit, "Unable connect to node with id %s", "aiokafka.client", logging.ERROR)
    assert not passes(limit, "Failed fetch messages from %s: %s", "aiokafka.consumer.fetcher", logging.ERROR)
    assert not passes(limit, "relay interrupted", error=KafkaConnectionError())
    assert passes(limit, "something else", error=ValueError())


def test_nothing_is_said_of_the_consequences_of_a_cause_that_is_told(limit: LineLimit, clock: Clock) -> None:
    kafka = Dependency("kafka", clock)
    kafka.failed("Kafka cannot be reached")
    assert not passes(limit, "Unable connect to node with id %s", "aiokafka.client", logging.ERROR)
    assert not passes(limit, "gauges not updated", error=ConnectionRefusedError())
    assert passes(limit, "processing fails", error=ValueError())
    kafka.works()
    assert passes(limit, "Unable connect to node with id %s", "aiokafka.client", logging.ERROR)


def test_lines_of_one_event_are_bounded_however_they_differ(limit: LineLimit, clock: Clock) -> None:
    passed = sum(passes(limit, "record quarantined", offset=number) for number in range(1_000))
    assert passed == LINES_PER_EVENT_MAX
    clock.now += SECONDS_PER_LINE
    assert passes(limit, "record quarantined", offset=0)


def test_information_passes(limit: LineLimit) -> None:
    assert all(passes(limit, "migration applied", level=logging.INFO, name_of="x") for _ in range(100))


def test_a_dependency_tells_changes_at_once_and_the_rest_once_a_minute(clock: Clock) -> None:
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


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch, limit: LineLimit) -> Iterator[None]:
    """Our logging instead of pytest's, put back afterwards."""
    root = logging.getLogger()
    before = root.handlers, root.level, sys.excepthook
    logs.configure("registry")
    yield
    root.handlers, root.level, sys.excepthook = before
    logging.captureWarnings(False)
    structlog.reset_defaults()


def test_every_line_is_json_also_of_libraries_and_of_errors(
    configured: None, capsys: pytest.CaptureFixture[str]
) -> None:
    root = logging.getLogger()
    root.handlers[0].setStream(sys.stdout)  # type: ignore[attr-defined]  # what pytest captures
    structlog.get_logger("samenspel.test").warning("ours", lane="a/0", error=ValueError("x"))
    logging.getLogger("aiokafka.conn").error("Unable connect to %s", "node")
    logging.getLogger("aiokafka.conn").info("Authenticated as %s", "registry")
    sys.excepthook(ValueError, ValueError("uncaught"), None)
    told = [json.loads(each) for each in capsys.readouterr().out.splitlines()]
    assert [each["event"] for each in told] == ["ours", "Unable connect to node", "process failed"]
    assert {each["service"] for each in told} == {"registry"}
    assert told[0]["error"] == "ValueError('x')"
    assert told[2]["exception"].endswith("ValueError: uncaught")


def test_suppressed_lines_are_counted(configured: None) -> None:
    before = LOG_LINES_SUPPRESSED._value.get()
    for _ in range(3):
        structlog.get_logger("samenspel.test").warning("again")
    assert LOG_LINES_SUPPRESSED._value.get() == before + 2


def test_a_full_disk_loses_lines_and_stops_nothing(configured: None) -> None:
    before = LOG_LINES_LOST._value.get()
    with open("/dev/full", "w", buffering=1) as full:
        logging.getLogger().handlers[0].setStream(full)  # type: ignore[attr-defined]
        structlog.get_logger("samenspel.test").warning("lost")
        assert LOG_LINES_LOST._value.get() == before + 1
        os.dup2(os.open(os.devnull, os.O_WRONLY), full.fileno())  # what is left in the buffer goes there
