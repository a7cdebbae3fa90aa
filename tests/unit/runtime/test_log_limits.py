"""One line per cause and minute, of ours and of libraries."""

import logging
from collections.abc import Iterator

import pytest
from samenspel.runtime import log_limits
from samenspel.runtime.dependencies import Dependency
from samenspel.runtime.log_limits import LINES_PER_EVENT_MAX, SECONDS_PER_LINE, LineLimit

from tests.support.waiting import eventually


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


def test_consequences_of_a_logged_cause_are_not_logged(limit: LineLimit, clock: Clock) -> None:
    kafka = Dependency("kafka", clock)
    kafka.failed("Kafka cannot be reached")
    assert not passes(limit, "Unable connect to node with id %s", "aiokafka.client", logging.ERROR)
    assert not passes(limit, "gauges not updated", error=ConnectionRefusedError())
    assert passes(limit, "processing fails", error=ValueError())
    kafka.works()
    assert passes(limit, "Unable connect to node with id %s", "aiokafka.client", logging.ERROR)


async def test_a_line_about_a_cause_waits_for_the_report_of_the_cause(
    limit: LineLimit, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    """A task notices a lost connection before the probe does."""
    monkeypatch.setattr(log_limits, "HOLD_SECONDS", 0.01)
    released: list[bool] = []
    holding = LineLimit(clock, lambda record: released.append(holding.filter(record)))
    fetch = "Failed fetch messages from %s: %s", "aiokafka.consumer.fetcher", logging.ERROR
    assert not passes(holding, *fetch)
    kafka = Dependency("kafka", clock)
    kafka.failed("Kafka cannot be reached")
    await eventually(lambda: released == [False])
    kafka.works()
    assert not passes(holding, "relay interrupted", error=ConnectionResetError())
    await eventually(lambda: released == [False, True])
    assert passes(holding, "processing fails", error=ValueError())


def test_lines_of_one_event_are_bounded_however_they_differ(limit: LineLimit, clock: Clock) -> None:
    passed = sum(passes(limit, "record quarantined", offset=number) for number in range(1_000))
    assert passed == LINES_PER_EVENT_MAX
    clock.now += SECONDS_PER_LINE
    assert passes(limit, "record quarantined", offset=0)


def test_information_line_always_passes(limit: LineLimit) -> None:
    assert all(passes(limit, "migration applied", level=logging.INFO, name_of="x") for _ in range(100))
