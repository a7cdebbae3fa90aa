"""A replica proves itself from its own bytes: whatever is changed in the file is found and named."""

import sqlite3
from pathlib import Path

import pytest
from samenspel.client.replica import ReplicaError, ReplicaStore, diff, verify
from samenspel.contracts.digest import state_hash

from tests.client.log import Owner, reading_of


@pytest.fixture
def owner() -> Owner:
    made = Owner()
    for number in range(6):
        made.publish(f"subject-{number % 4}")
    return made


@pytest.fixture
def file(tmp_path: Path, owner: Owner) -> Path:
    return replica(tmp_path / "replica.db", owner)


def replica(path: Path, owner: Owner) -> Path:
    with ReplicaStore(path, create=True) as store:
        reading_of(store, owner).run(False, lambda done, total: None)
    return path


def change(file: Path, statement: str, *parameters: bytes) -> None:
    connection = sqlite3.connect(file)
    with connection:
        connection.execute(statement, parameters)
    connection.close()


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


def test_two_copies_of_the_same_lanes_do_not_differ(tmp_path: Path, file: Path, owner: Owner) -> None:
    with ReplicaStore(file) as left, ReplicaStore(replica(tmp_path / "other.db", owner)) as right:
        assert diff(left, right) == []
        assert verify(left).total_digest == verify(right).total_digest


def test_a_changed_copy_has_another_digest_and_differs(tmp_path: Path, file: Path, owner: Owner) -> None:
    other = replica(tmp_path / "other.db", owner)
    change(other, "update event set value = replace(value, '№ 6', '№ 7') where sequence = 6")
    with ReplicaStore(file) as left, ReplicaStore(other) as right:
        assert verify(left).total_digest != verify(right).total_digest
        assert [each.subject for each in diff(left, right)] == ["subject-1"]


def test_what_differs_is_named_with_the_event_on_each_side(tmp_path: Path, owner: Owner, file: Path) -> None:
    owner.publish("subject-0")
    owner.publish("subject-9")
    with ReplicaStore(file) as left, ReplicaStore(replica(tmp_path / "later.db", owner)) as right:
        found = diff(left, right)
    assert [each.subject for each in found] == ["subject-0", "subject-9"]
    assert found[1].left is None
    assert "sequence 8" in str(found[1].right)


def test_a_file_that_is_no_replica_is_said(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Geachte heer, mevrouw, " * 100)
    with pytest.raises(ReplicaError, match="is not a replica"):
        ReplicaStore(tmp_path / "letter.txt")
    with pytest.raises(ReplicaError, match="does not exist"):
        ReplicaStore(tmp_path / "absent.db")
