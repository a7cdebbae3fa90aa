"""Synchronisation over Kafka: where reading starts, and how a replaced log is recognised."""

from samenspel.client.replica import ReplicaStore
from samenspel.client.replica.kafka import KafkaSync

from tests.support.lane_owner import TOPIC, Owner, Source
from tests.support.replicas import equals, sync


def test_second_synchronisation_reads_new_records_only(store: ReplicaStore) -> None:
    owner = Owner()
    for _ in range(30):
        owner.publish()
    sync(store, owner)
    owner.publish()
    source = Source(owner)
    assert KafkaSync(source, store, source.bounds([TOPIC])).run(False, lambda done, total: None) == 1  # type: ignore[arg-type]
    assert source.handed_out == 2, "the last applied record, to know it is still there, and the new one"


def test_log_with_another_event_at_the_last_position_has_diverged(store: ReplicaStore) -> None:
    owner = Owner()
    forger = Owner(identity=owner.identity)
    for _ in range(4):
        owner.publish()
        forger.publish()
    sync(store, owner)
    _, report = sync(store, forger)
    assert report.divergence is not None
    assert report.divergence.sequence == 4


def test_recreated_log_on_other_offsets_is_continued_by_sequence(store: ReplicaStore) -> None:
    owner = Owner()
    for _ in range(4):
        owner.publish()
    sync(store, owner)
    owner.publish()
    records = list(owner.log)
    owner.log.clear()
    owner.repeat(records[0])
    for record in records:
        owner.repeat(record)
    applied, report = sync(store, owner)
    assert applied == 1
    assert equals(report, owner)
