"""Replica sync over HTTP: reads the notifier's pull feed page by page, under the same sequencing rule.

A page is a JSON array of canonical CloudEvents, one per line, with ``data`` as the last member. The bytes of ``data``
are cut out of the line: parsing and serialising would change the bytes under the digest.
"""

import http.client
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Final
from urllib.parse import urlencode, urlsplit

import orjson

from samenspel.client.access.errors import EnvironmentUnavailable
from samenspel.client.access.profile import Credential, Profile
from samenspel.client.replica.apply import ReplicaBatch, ReplicaLane
from samenspel.client.replica.connection import ReplicaError
from samenspel.client.replica.headers import Header
from samenspel.client.replica.kafka import LoadProgress
from samenspel.client.replica.recognition import NO_EVENTS, SourceCheck
from samenspel.client.replica.refusals import REBUILD, SourceRefused
from samenspel.client.replica.report import SyncReport, report_on
from samenspel.client.replica.store import ReplicaStore
from samenspel.contracts.integers import read_lane_number, read_seconds, read_timeline
from samenspel.contracts.media_types import BATCH
from samenspel.contracts.sequencing import SequenceVerdict
from samenspel.contracts.topics import LaneId

PAGE_EVENTS: Final = 1_000
FIRST_EVENTS: Final = 200
"""Events of a page that shows the first event of each lane: a page has an equal share of every lane."""
REQUEST_SECONDS_MAX: Final = 60
FOLLOW_SECONDS: Final = 20
REFUSED_SECONDS_MAX: Final = 60.0
"""Longest time to repeat a request that is answered 429."""
_DATA: Final = b',"data":'
_TRANSPORT_ONLY: Final = ("datacontenttype", "data")


class FeedClient:
    """The notifier's feed, read as one organisation over one persistent connection."""

    def __init__(self, url: str, credential: Credential) -> None:
        self.url = f"{url}/v1/feed"
        parts = urlsplit(self.url)
        self._path = parts.path
        self._token = credential.token
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.netloc, timeout=REQUEST_SECONDS_MAX)

    def page(self, after: str, wait_seconds: int = 0, limit: int = PAGE_EVENTS) -> tuple[list[bytes], str, bool]:
        """Events after the cursor ``after``, the next cursor, and whether the page has any events.

        Raises EnvironmentUnavailable, and SourceRefused for a cursor of another system.
        """
        query: dict[str, object] = {"limit": limit}
        query |= {"after": after} if after else {}
        query |= {"waitSeconds": wait_seconds} if wait_seconds else {}
        response, body = self._get(f"{self._path}?{urlencode(query)}")
        if response.status == http.client.TOO_MANY_REQUESTS:
            raise EnvironmentUnavailable(
                f"the notifier at {self.url} has too many requests of your organisation (HTTP 429): "
                "stop other programs that read the feed, and run this command again"
            )
        if response.status == http.client.GONE:
            raise SourceRefused(f"this file is of another system than the notifier at {self.url}; {REBUILD}")
        if response.status not in (200, 204):
            raise EnvironmentUnavailable(
                f"the notifier at {self.url} refused (HTTP {response.status}): check the token in your profile"
            )
        if response.status == 200 and response.headers.get_content_type() != BATCH:
            raise EnvironmentUnavailable(
                f"the server at {self.url} is no notifier: correct the address in system.json of your profile"
            )
        events = list(events_in(body))
        return events, response.headers.get("Samenspel-Cursor", after), bool(events)

    def _get(self, path: str) -> tuple[http.client.HTTPResponse, bytes]:
        """Response and body; a response 429 is followed by another request after ``Retry-After`` seconds."""
        deadline = time.monotonic() + REFUSED_SECONDS_MAX
        while True:
            response, body = self._get_once(path)
            if response.status != http.client.TOO_MANY_REQUESTS or time.monotonic() > deadline:
                return response, body
            time.sleep(_pause_seconds(response.headers.get("Retry-After", "")))

    def _get_once(self, path: str) -> tuple[http.client.HTTPResponse, bytes]:
        try:
            self._connection.request("GET", path, headers={"authorization": f"Bearer {self._token}"})
            response = self._connection.getresponse()
            return response, response.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise EnvironmentUnavailable(
                f"the notifier at {self.url} does not answer: `samenspel status` shows the running services"
            ) from None

    def close(self) -> None:
        self._connection.close()


def _pause_seconds(retry_after: str) -> float:
    """Seconds before a repeat: ``Retry-After`` within `REFUSED_SECONDS_MAX`, or one second."""
    try:
        return min(read_seconds(retry_after), REFUSED_SECONDS_MAX)
    except ValueError:
        return 1.0


def events_in(page: bytes) -> Iterator[bytes]:
    """The JSON objects of a page, one per event, byte for byte."""
    for line in page.splitlines():
        event = line.strip().removeprefix(b",").removesuffix(b",")
        if event.startswith(b"{"):
            yield event


def split(event: bytes) -> tuple[list[Header], bytes]:
    """Split an event into Kafka headers and the exact bytes of ``data``.

    Raises ValueError when ``data`` is not the last member.
    """
    before, found, data = event.partition(_DATA)
    if not found or not data.endswith(b"}"):
        raise ValueError("data is not the last member of the event")
    attributes = orjson.loads(before + b"}")
    headers = [
        (f"ce_{name}", str(value).encode()) for name, value in attributes.items() if name not in _TRANSPORT_ONLY
    ]
    return headers, data[:-1]


def lane_in(fields: Mapping[str, bytes]) -> LaneId:
    """The lane named by an event's headers. Raises KeyError or ValueError."""
    topic, _, partition = fields["ce_lane"].decode().rpartition("/")
    return topic, read_lane_number(partition)


def sync_over_http(
    profile: Profile,
    organisation: str,
    store: ReplicaStore,
    *,
    follow: bool = False,
    rebuild: bool = False,
    progress: LoadProgress = lambda done, total: None,
) -> SyncReport:
    """Sync the file from the notifier's feed, for organisations without Kafka.

    Options, errors and report as for `sync_over_kafka`.
    """
    began = time.monotonic()
    feed = FeedClient(profile.system().url("notifier"), profile.credential(organisation))
    try:
        prepare_from_feed(feed, store, rebuild=rebuild)
        sync = FeedSync(feed, store)
        sync.run(follow, progress)
    except KeyboardInterrupt:
        if not follow:
            raise
    finally:
        feed.close()
    return SyncReport(
        sync.applied,
        time.monotonic() - began,
        store.unknown_aggregates(),
        sync.batch.unreadable,
        tuple(report_on(lane) for _, lane in sorted(sync.batch.lanes.items())),
    )


def prepare_from_feed(feed: FeedClient, store: ReplicaStore, *, rebuild: bool) -> None:
    """Recognise the lanes of the file in the feed, or empty the file. Raises ReplicaError, EnvironmentUnavailable."""
    if rebuild:
        _, _, has_events = feed.page("", limit=FIRST_EVENTS)
        if not has_events:
            raise ReplicaError(NO_EVENTS.format("the feed of the notifier"))
        store.empty()
    else:
        recognise_in_feed(feed, store)
    store.speed_up_loading()


def recognise_in_feed(feed: FeedClient, store: ReplicaStore) -> None:
    """Find the first event of each lane of the file in the feed. Raises ReplicaError, EnvironmentUnavailable."""
    recognition = SourceCheck(store.lanes(), store.known)
    cursor, more, limit = "", True, FIRST_EVENTS
    while recognition.unseen and more:
        events, cursor, more = feed.page(cursor, limit=limit)
        for event in events:
            with suppress(KeyError, ValueError):
                headers, _ = split(event)
                fields = dict(headers)
                recognition.see(lane_in(fields), fields)
        limit = PAGE_EVENTS
    recognition.require_all("the feed of the notifier")


class FeedSync:
    """One sync of a store from the feed; ``applied`` counts the committed events."""

    def __init__(self, feed: FeedClient, store: ReplicaStore) -> None:
        self._feed = feed
        self._store = store
        self._cursor = store.cursor(feed.url)
        self.batch: ReplicaBatch = store.batch(store.lanes())
        self.applied = 0

    def run(self, follow: bool, progress: LoadProgress) -> None:
        done = 0
        while True:
            events, cursor, more = self._feed.page(self._cursor, FOLLOW_SECONDS if follow else 0)
            self._cursor = cursor
            for event in events:
                if self._apply(event) is SequenceVerdict.NEW_TIMELINE:
                    self._cursor = ""
                    break
            self.applied += self._store.commit(self.batch)
            self._store.save_cursor(self._feed.url, self._cursor)
            done += len(events)
            progress(done, done)
            if not more or (len(events) < PAGE_EVENTS and not self._store.is_loaded):
                self._store.finish()
            if not more and not follow:
                return

    def _apply(self, event: bytes) -> SequenceVerdict:
        try:
            headers, value = split(event)
            fields = dict(headers)
            lane = self._lane(*lane_in(fields))
            verdict = self.batch.apply(lane, -1, headers, value)
        except (KeyError, ValueError):
            self.batch.unreadable += 1
            return SequenceVerdict.SKIP
        if verdict is SequenceVerdict.NEW_TIMELINE:
            self.applied += self._store.commit(self.batch)
            self._store.restart_lane(lane, read_timeline(fields["ce_timeline"]))
            self.batch.hashes = self._store.hashes()
        return verdict

    def _lane(self, topic: str, partition: int) -> ReplicaLane:
        name = topic, partition
        if name not in self.batch.lanes:
            self.batch.lanes[name] = self._store.lane(*name)
        return self.batch.lanes[name]
