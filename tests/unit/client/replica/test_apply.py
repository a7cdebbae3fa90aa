"""A replica applies each event once, in lane order, and compares the digest."""

from samenspel.client.replica import ReplicaStore

from tests.support.lane_owner import Owner
from tests.support.replicas import equals, sync


def test_every_event_is_applied_once(store: ReplicaStore) -> None:
    owner = Owner()
    for _ in range(20):
        owner.publish()
    owner.publish(subject=next(iter(owner.hashes))[1])
    applied, report = sync(store, owner)
    assert applied == 21
    assert equals(report, owner)
    assert sync(store, owner)[0] == 0


def test_repeated_event_changes_nothing_in_a_replica(store: ReplicaStore) -> None:
    owner = Owner()
    for _ in range(5):
        owner.repeat(owner.publish())
    owner.repeat(owner.log[0])
    applied, report = sync(store, owner)
    assert applied == 5
    assert equals(report, owner)


def test_event_behind_a_gap_is_applied_after_the_gap_is_filled(store: ReplicaStore) -> None:
    owner = Owner()
    for _ in range(6):
        owner.publish()
    lost = owner.log.pop(2)
    _, report = sync(store, owner)
    assert (report.sequence, report.missing) == (2, 3)

    for record in [lost, *owner.log[2:]]:
        owner.log.append(type(record)(record.place, owner.log[-1].at + 1, record.named, record.data))
    _, report = sync(store, owner)
    assert equals(report, owner)
    assert report.missing is None


def test_changed_event_stops_its_lane_and_is_named(store: ReplicaStore) -> None:
    owner, other = Owner(), Owner(lane=1)
    for _ in range(5):
        owner.publish()
        other.publish()
    changed = owner.log[3]
    owner.log[3] = type(changed)(changed.place, 3, changed.named, changed.data.replace(b"title", b"titel"))
    applied, report = sync(store, owner, other)
    assert applied == 3 + 5, "the other lane goes on"
    assert report.sequence == 3
    assert report.divergence is not None
    assert report.divergence.sequence == 4
    assert report.divergence.event == dict(changed.named)["ce_id"].decode()


def test_new_timeline_rebuilds_the_lane(store: ReplicaStore) -> None:
    owner = Owner()
    kept = owner.publish().named
    for _ in range(3):
        owner.publish()
    sync(store, owner)
    owner.begin_anew()
    for _ in range(2):
        owner.publish()
    _, report = sync(store, owner)
    assert equals(report, owner)
    assert report.timeline == 2
    gone = dict(kept)["ce_subject"].decode()
    assert list(store.query("select 1 from aggregate where subject = ?", gone)) == []


def test_removed_aggregate_leaves_state_and_digest(store: ReplicaStore) -> None:
    owner = Owner()
    owner.publish("a")
    owner.publish("b")
    owner.publish("a", value=b'{"removed": true}')
    _, report = sync(store, owner)
    assert equals(report, owner)
    assert [row[0] for row in store.query("select subject from aggregate")] == ["b"]
