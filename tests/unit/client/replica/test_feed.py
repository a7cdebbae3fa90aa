"""A replica over HTTP equals a replica over Kafka, byte for byte."""

from pathlib import Path

from samenspel.client.replica import ReplicaStore, verify
from samenspel.client.replica.feed import FeedSync, split
from samenspel.contracts.canonical import to_lines

from tests.support.lane_owner import Owner, reading_of
from tests.support.replicas import Pages, structured


def test_data_of_a_structured_event_is_kept_byte_for_byte() -> None:
    owner = Owner()
    record = owner.publish(value='{ "b":1,  "a":"é", "data":{"x":[1.0,2e3]} }'.encode())
    headers, value = split(structured(record))
    assert value == record.data
    assert to_lines(headers) == to_lines(record.named)


def test_replica_over_http_equals_a_replica_over_kafka(tmp_path: Path) -> None:
    owner = Owner()
    for number in range(7):
        owner.publish(f"subject-{number % 3}")
    pages = Pages([structured(record) for record in owner.log])
    with (
        ReplicaStore(tmp_path / "http.db", create=True) as http,
        ReplicaStore(tmp_path / "kafka.db", create=True) as kafka,
    ):
        FeedSync(pages, http).run(False, lambda done, total: None)  # type: ignore[arg-type]
        reading_of(kafka, owner).run(False, lambda done, total: None)
        assert verify(http).is_equal
        assert verify(http).total_digest == verify(kafka).total_digest
        rows = "select lane, sequence, id, hash, digest, headers, value from event order by sequence"
        assert list(http.query(rows)) == list(kafka.query(rows))


def test_feed_is_continued_from_its_cursor(tmp_path: Path) -> None:
    owner = Owner()
    owner.publish()
    with ReplicaStore(tmp_path / "http.db", create=True) as store:
        FeedSync(Pages([structured(record) for record in owner.log]), store).run(False, lambda done, total: None)  # type: ignore[arg-type]
        owner.publish()
        reading = FeedSync(Pages([structured(record) for record in owner.log]), store)  # type: ignore[arg-type]
        reading.run(False, lambda done, total: None)
        assert reading.applied == 1
