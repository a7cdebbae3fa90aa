"""A replica is verified from its own bytes: every change in the file is found and named."""

from pathlib import Path

import pytest
from samenspel.client.replica import ReplicaStore, verify
from samenspel.contracts.digest import state_hash

from tests.support.lane_owner import Owner
from tests.support.replicas import change


def test_a_sound_copy_is_equal(file: Path) -> None:
    with ReplicaStore(file) as store:
        report = verify(store)
    assert report.is_equal
    assert report.faults == ()


def test_a_changed_byte_names_the_aggregate_and_the_event_that_wrote_it(file: Path, owner: Owner) -> None:
    change(file, "update event set value = replace(value, '№ 6', '№ 7') where sequence = 6")
    with ReplicaStore(file) as store:
        report = verify(store)
    assert not report.is_equal
    (fault,) = report.faults
    assert fault.subject == "subject-1"
    assert fault.event == dict(owner.log[5].named)["ce_id"].decode()
    assert [lane.equal for lane in report.lanes] == [False]


def test_a_changed_event_with_a_hash_to_match_is_found_by_the_digest(file: Path) -> None:
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
def test_whatever_is_changed_is_found(file: Path, statement: str) -> None:
    change(file, statement)
    with ReplicaStore(file) as store:
        assert not verify(store).is_equal
