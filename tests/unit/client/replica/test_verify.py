"""A replica is verified from its own bytes: every change in the file is found and named."""

from pathlib import Path

import pytest
from samenspel.client.replica import ReplicaStore, verify
from samenspel.contracts.digest import state_hash

from tests.support.lane_owner import Owner
from tests.support.replicas import change


def test_intact_replica_is_equal(file: Path) -> None:
    with ReplicaStore(file) as store:
        report = verify(store)
    assert report.is_equal
    assert report.faults == ()


def test_changed_byte_is_found_with_its_aggregate_and_event(file: Path, owner: Owner) -> None:
    change(file, "update event set value = replace(value, '№ 6', '№ 7') where sequence = 6")
    with ReplicaStore(file) as store:
        report = verify(store)
    assert not report.is_equal
    (fault,) = report.faults
    assert fault.subject == "subject-1"
    assert fault.event == dict(owner.log[5].named)["ce_id"].decode()
    assert [lane.equal for lane in report.lanes] == [False]


def test_changed_event_with_a_matching_hash_is_found_by_the_digest(file: Path) -> None:
    forged = state_hash(b"initiative.v1", b"subject-2", b"{}")
    change(file, "update event set value = '{}', hash = ? where sequence = 3", forged.to_bytes(32, "big"))
    with ReplicaStore(file) as store:
        assert {fault.sequence for fault in verify(store).faults} == {3}


@pytest.mark.parametrize(
    "statement",
    [
        "delete from event where sequence = 2",
        "delete from event where sequence = 6",
        "update event set number = 99 where sequence = 2",
        "update event set aggregate = 'rollout.v1' where sequence = 5",
        "update event set hash = zeroblob(32) where sequence = 6",
        "update lane set sequence = 5",
        "update lane set digest = 'abc'",
        "update event set digest = '00' where sequence = 4",
        "update event set subject = 'another' where sequence = 6",
    ],
)
def test_every_change_of_the_file_is_found(file: Path, statement: str) -> None:
    change(file, statement)
    with ReplicaStore(file) as store:
        assert not verify(store).is_equal
