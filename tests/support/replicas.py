"""Replicas of a test: synchronised with a lane's owner, changed behind the client's back."""

import sqlite3
from pathlib import Path
from typing import Any, Final

from samenspel.client.replica import LaneReport, ReplicaStore
from samenspel.client.replica.feed import FeedSync, events_in, prepare_from_feed
from samenspel.client.replica.report import report_on
from samenspel.contracts.canonical import to_lines, to_structured
from samenspel.contracts.digest import to_hex

from tests.support.lane_owner import TOPIC, Owner, Record, reading_of

_EVENTS: Final = "select * from event order by number"


def structured(record: Record) -> bytes:
    return to_structured(to_lines(record.named), record.data)


class Pages:
    """The notifier's feed, two events a page; the cursor is the number of events read."""

    url = "http://notifier.example/v1/feed"

    def __init__(self, events: list[bytes]) -> None:
        self._events = events

    def page(self, after: str, wait_seconds: int = 0, limit: int = 0) -> tuple[list[bytes], str, bool]:
        start = int(after or 0)
        events = self._events[start : start + 2]
        page = b"[\n" + b"\n,".join(events) + b"\n]" if events else b"[]"
        return list(events_in(page)), str(start + len(events)), bool(events)


def feed_of(*owners: Owner) -> Pages:
    """The feed of a notifier that applied these owners' logs."""
    return Pages([structured(record) for owner in owners for record in owner.log])


def sync_from(feed: Pages, store: ReplicaStore, *, rebuild: bool = False) -> FeedSync:
    """A sync over HTTP up to the present end of the feed."""
    prepare_from_feed(feed, store, rebuild=rebuild)  # type: ignore[arg-type]
    reading = FeedSync(feed, store)  # type: ignore[arg-type]
    reading.run(False, lambda done, total: None)
    return reading


def content(store: ReplicaStore) -> list[tuple[Any, ...]]:
    """The lanes and the events of the file, in order."""
    return [*store.query("select lane, timeline, sequence, digest from lane order by 1"), *store.query(_EVENTS)]


def sync(store: ReplicaStore, *owners: Owner) -> tuple[int, LaneReport]:
    """How many events were applied, and how the first lane stands."""
    reading = reading_of(store, *owners)
    applied = reading.run(False, lambda done, total: None)
    store.finish()
    return applied, report_on(reading.batch.lanes[TOPIC, owners[0].lane])


def equals(report: LaneReport, owner: Owner) -> bool:
    return (report.timeline, report.sequence, report.digest) == (owner.timeline, owner.sequence, to_hex(owner.digest))


def replica(path: Path, owner: Owner) -> Path:
    with ReplicaStore(path, create=True) as store:
        sync(store, owner)
    return path


def change(file: Path, statement: str, *parameters: bytes) -> None:
    connection = sqlite3.connect(file)
    with connection:
        connection.execute(statement, parameters)
    connection.close()
