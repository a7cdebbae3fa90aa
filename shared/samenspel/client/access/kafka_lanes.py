"""Reader of canonical lanes in Kafka, in batches.

librdkafka fetches and decodes in its own threads, in parallel with the caller. The reader joins no consumer group and
commits no offsets: the caller stores the offsets.
"""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from samenspel.client.access.errors import EnvironmentUnavailable
from samenspel.client.access.kafka import access_refused_message, librdkafka_settings, unreachable_message
from samenspel.client.access.profile import Credential, KafkaAccess
from samenspel.contracts.topics import LaneId

RESPONSE_SECONDS_MAX: Final = 10.0
POLL_SECONDS: Final = 1.0
RECORDS_MAX: Final = 5_000
SILENT_SECONDS_MAX: Final = 30.0
"""Longest wait for a record below the end offset that Kafka reported."""
FETCH_BYTES: Final = 4_194_304
QUEUE_KIB: Final = 65_536
_TRANSIENT: Final = {KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._RESOLVE, KafkaError._TIMED_OUT}
_OFFSET_GONE: Final = {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}
_librdkafka_log: Final = logging.getLogger(f"{__name__}.librdkafka")
_librdkafka_log.addHandler(logging.NullHandler())
_librdkafka_log.propagate = False
Record = Any
"""A confluent-kafka Message: ``topic() partition() offset() headers() value()``."""


class KafkaLanes:
    """Reads lanes as one organisation; a context manager. Every method may raise EnvironmentUnavailable."""

    def __init__(self, access: KafkaAccess, credential: Credential) -> None:
        self._access = access
        self._name = credential.name
        self._authentication_failed = False
        self._last_record_at = time.monotonic()
        self.next_offsets: dict[LaneId, int] = {}
        """Per lane, the offset after the last returned record."""
        self._consumer = Consumer(
            {
                **librdkafka_settings(access, credential),
                "group.id": f"{credential.oin}.replica",
                "enable.auto.commit": False,
                "auto.offset.reset": "error",
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
                "fetch.message.max.bytes": FETCH_BYTES,
                "queued.max.messages.kbytes": QUEUE_KIB,
                "reconnect.backoff.max.ms": 500,
                "error_cb": self._on_error,
            },
            logger=_librdkafka_log,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._consumer.close()

    def bounds(self, topics: Sequence[str]) -> dict[LaneId, tuple[int, int]]:
        """Per lane of these topics, the first offset in the log and the offset of the next record to be written."""
        known = self._list_topics()
        try:
            names = [(topic, lane) for topic in topics if topic in known for lane in sorted(known[topic].partitions)]
            return {
                name: self._consumer.get_watermark_offsets(TopicPartition(*name), timeout=RESPONSE_SECONDS_MAX)
                for name in names
            }
        except KafkaException as error:
            raise self._unavailable(error) from None

    def read_from(self, offsets: Mapping[LaneId, int]) -> None:
        self.next_offsets = dict(offsets)
        self._last_record_at = time.monotonic()
        self._consumer.assign([TopicPartition(*name, offset) for name, offset in offsets.items()])

    def seek(self, name: LaneId, offset: int) -> None:
        """Continue one lane at another offset."""
        self.next_offsets[name] = offset
        self._consumer.seek(TopicPartition(*name, offset))

    def batch(self, records_max: int, seconds: float) -> list[Record]:
        """At most ``records_max`` records, in order per lane. Empty when no record arrives within ``seconds``."""
        found: list[Record] = []
        try:
            # consume(n) waits until n records arrived; wait for the first record only.
            arrived: list[Record] = self._consumer.consume(1, seconds)
            arrived += self._consumer.consume(records_max - 1, 0) if arrived and records_max > 1 else []
        except KafkaException as error:
            raise self._unavailable(error) from None
        for record in arrived:
            if (failure := record.error()) is not None:
                self._handle_error(record, failure)
                continue
            self.next_offsets[record.topic(), record.partition()] = record.offset() + 1
            found.append(record)
        if found:
            self._last_record_at = time.monotonic()
        return found

    def require_progress(self) -> None:
        """Raise EnvironmentUnavailable when no record arrived for SILENT_SECONDS_MAX."""
        if time.monotonic() - self._last_record_at > SILENT_SECONDS_MAX:
            raise EnvironmentUnavailable(unreachable_message(self._access))

    def records(self, ranges: Mapping[LaneId, tuple[int, int]]) -> Iterator[Record]:
        """The records of each lane between the two offsets of the range, in order per lane.

        The caller may `seek` a lane meanwhile. Raises EnvironmentUnavailable when no records arrive.
        """
        self.read_from({name: start for name, (start, _) in ranges.items()})
        while any(self.next_offsets[name] < end for name, (_, end) in ranges.items()):
            yield from self.batch(RECORDS_MAX, POLL_SECONDS)
            self.require_progress()

    def _list_topics(self) -> Any:
        """Retry short requests: librdkafka reports a wrong password only between requests, from poll()."""
        deadline = time.monotonic() + RESPONSE_SECONDS_MAX
        while True:
            try:
                return self._consumer.list_topics(timeout=POLL_SECONDS).topics
            except KafkaException as error:
                self._consumer.poll(0)
                if self._authentication_failed or time.monotonic() > deadline:
                    raise self._unavailable(error) from None

    def _handle_error(self, record: Record, error: KafkaError) -> None:
        if error.code() == KafkaError._PARTITION_EOF:
            name = record.topic(), record.partition()
            self.next_offsets[name] = max(self.next_offsets.get(name, 0), record.offset())
        elif error.code() in _OFFSET_GONE:
            # The log was truncated or recreated. The sequence numbers show which records are new.
            self.seek((record.topic(), record.partition()), self._first_offset(record.topic(), record.partition()))
        elif error.code() not in _TRANSIENT:
            raise EnvironmentUnavailable(
                f"Kafka refuses {self._name} access to topic {record.topic()} ({error.str()}): ask the operator"
            )

    def _first_offset(self, topic: str, lane: int) -> int:
        start, _ = self._consumer.get_watermark_offsets(TopicPartition(topic, lane), timeout=RESPONSE_SECONDS_MAX)
        return int(start)

    def _on_error(self, error: KafkaError) -> None:
        self._authentication_failed |= error.code() == KafkaError._AUTHENTICATION

    def _unavailable(self, error: KafkaException) -> EnvironmentUnavailable:
        if self._authentication_failed or error.args[0].code() == KafkaError._AUTHENTICATION:
            return EnvironmentUnavailable(access_refused_message(self._access, self._name))
        return EnvironmentUnavailable(unreachable_message(self._access))
