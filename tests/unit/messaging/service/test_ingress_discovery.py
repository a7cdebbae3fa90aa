"""A newly admitted organisation's ingress topic is asked for by name, until the consumer reads it."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from samenspel.messaging.service import ingress_discovery
from samenspel.messaging.service.ingress_discovery import LATER_SECONDS, SOON_SECONDS, IngressDiscovery

CITY, OTHER = "00000099000000000001", "00000099000000000002"
TOPIC, OTHER_TOPIC = f"samenspel.in.initiatives.{CITY}", f"samenspel.in.initiatives.{OTHER}"


class Database:
    """The organisations of a service; each admission is one event."""

    def __init__(self, *organisations: str) -> None:
        self.organisations = list(organisations)
        self.loaded = 0

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator["Database"]:
        yield self

    async def fetchrow(self, query: str, topic: str) -> dict[str, int]:
        return {"timelines": 4, "events": len(self.organisations)}

    async def fetch(self, query: str) -> list[dict[str, str]]:
        self.loaded += 1
        return [{"subject": each} for each in self.organisations]


class Reader:
    """A consumer of the ingress, or of canonical topics."""

    def __init__(self, *topics: str, discovers_topics: bool = True) -> None:
        self.topics = set(topics)
        self.discovers_topics = discovers_topics
        self.refreshed = 0

    def subscription(self) -> set[str]:
        return self.topics

    def refresh_topics(self) -> None:
        self.refreshed += 1


class LogReader:
    """Kafka with these topics."""

    def __init__(self, *topics: str) -> None:
        self.topics = set(topics)
        self.asked: list[list[str]] = []

    async def existing(self, topics: Collection[str]) -> set[str]:
        self.asked.append(sorted(topics))
        return self.topics & set(topics)


def discovery(database: Database, log_reader: LogReader, *readers: Reader) -> IngressDiscovery:
    parts: Any = database, log_reader, "initiatives", lambda: readers
    return IngressDiscovery(*parts, owns_organisations=True)


async def test_admitted_organisation_is_discovered_as_soon_as_its_topic_exists() -> None:
    database, log_reader = Database(CITY), LogReader(TOPIC)
    reader, canonical = Reader(TOPIC), Reader("samenspel.funding", discovers_topics=False)
    looking = discovery(database, log_reader, reader, canonical)
    await looking.look()
    assert log_reader.asked == [], "nothing is missing"
    database.organisations.append(OTHER)
    await looking.look()
    assert (log_reader.asked, reader.refreshed) == ([[OTHER_TOPIC]], 0), "the admission makes the topics last"
    log_reader.topics.add(OTHER_TOPIC)
    await looking.look()
    assert (reader.refreshed, canonical.refreshed) == (1, 0)
    reader.topics.add(OTHER_TOPIC)
    await looking.look()
    assert len(log_reader.asked) == 2
    assert database.loaded == 2, "once for each change"


async def test_consumer_without_any_topic_is_waited_for() -> None:
    log_reader = LogReader(TOPIC)
    await discovery(Database(CITY), log_reader, Reader()).look()
    await discovery(Database(CITY), log_reader).look()
    assert log_reader.asked == []


async def test_topic_that_stays_away_is_asked_for_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000.0]
    monkeypatch.setattr(ingress_discovery, "time", SimpleNamespace(monotonic=lambda: now[0]))
    log_reader = LogReader()
    looking = discovery(Database(CITY, OTHER), log_reader, Reader(TOPIC))
    for seconds, asked in ((0, 1), (1, 2), (SOON_SECONDS, 3), (1, 3), (LATER_SECONDS, 4)):
        now[0] += seconds
        await looking.look()
        assert len(log_reader.asked) == asked
