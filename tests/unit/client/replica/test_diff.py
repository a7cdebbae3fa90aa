"""The difference between two replicas, with the event on each side."""

from pathlib import Path

from samenspel.client.replica import ReplicaStore, diff, verify

from tests.support.lane_owner import Owner
from tests.support.replicas import change, replica


def test_two_replicas_of_the_same_lanes_do_not_differ(tmp_path: Path, file: Path, owner: Owner) -> None:
    with ReplicaStore(file) as left, ReplicaStore(replica(tmp_path / "other.db", owner)) as right:
        assert diff(left, right) == []
        assert verify(left).total_digest == verify(right).total_digest


def test_changed_replica_has_another_digest_and_differs(tmp_path: Path, file: Path, owner: Owner) -> None:
    other = replica(tmp_path / "other.db", owner)
    change(other, "update event set value = replace(value, '№ 6', '№ 7') where sequence = 6")
    with ReplicaStore(file) as left, ReplicaStore(other) as right:
        assert verify(left).total_digest != verify(right).total_digest
        assert [each.subject for each in diff(left, right)] == ["subject-1"]


def test_difference_is_named_with_the_event_on_each_side(tmp_path: Path, owner: Owner, file: Path) -> None:
    owner.publish("subject-0")
    owner.publish("subject-9")
    with ReplicaStore(file) as left, ReplicaStore(replica(tmp_path / "later.db", owner)) as right:
        found = diff(left, right)
    assert [each.subject for each in found] == ["subject-0", "subject-9"]
    assert found[1].left is None
    assert "sequence 8" in str(found[1].right)
