"""A replica file is opened for reading without a change, and without a right to write."""

import os
import shutil
import sqlite3
from pathlib import Path

import pytest
from samenspel.client.replica import ReplicaError, ReplicaStore, verify
from samenspel.client.replica.connection import connect_to_read

from tests.support.forked_command import NURSERY
from tests.support.lane_owner import Owner


def test_reading_changes_nothing(file: Path) -> None:
    before = {path.name: path.read_bytes() for path in file.parent.iterdir()}
    with ReplicaStore(file) as store:
        assert verify(store).lanes
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            list(store.query("delete from event"))
    assert {path.name: path.read_bytes() for path in file.parent.iterdir()} == before


@pytest.mark.parametrize("path", [Path("/"), Path(""), Path("/dev/null")])
def test_path_that_is_no_file_is_told(path: Path) -> None:
    with pytest.raises(ReplicaError, match="is not a file"):
        connect_to_read(path)


def test_the_newest_events_are_read_while_another_process_writes(file: Path, owner: Owner) -> None:
    with ReplicaStore(file, create=True) as writer:
        writer._connection.execute("update lane set timeline = 7")
        with ReplicaStore(file) as reader:
            assert {lane.timeline for lane in reader.lanes()} == {7}


def _verify_as_nobody(file: Path) -> None:
    """Root may write anywhere: this process may write nowhere."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65_534)
        os.setuid(65_534)
    with ReplicaStore(file) as store:
        os._exit(0 if verify(store).lanes else 2)


@pytest.fixture
def archive(file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The replica as on a medium that cannot be written; every folder above may be entered."""
    folder = Path(os.environ.get("TMPDIR", "/tmp")) / f"samenspel-archive-{os.getpid()}"
    folder.mkdir()
    shutil.copy(file, folder / "replica.db")
    (folder / "replica.db").chmod(0o444)
    folder.chmod(0o555)
    yield folder / "replica.db"
    folder.chmod(0o755)
    shutil.rmtree(folder)


def exit_code(file: Path) -> int | None:
    process = NURSERY.Process(target=_verify_as_nobody, args=(file,))
    process.start()
    process.join(30)
    return process.exitcode


def test_a_replica_on_a_medium_that_cannot_be_written_is_verified(archive: Path) -> None:
    assert exit_code(archive) == 0


def test_events_beside_the_file_that_cannot_be_read_are_not_passed_over(archive: Path) -> None:
    """A log of SQLite that was copied along: without it the file may be older than it seems."""
    archive.parent.chmod(0o755)
    (archive.parent / "replica.db-wal").write_bytes(b"events")
    archive.parent.chmod(0o555)
    assert exit_code(archive) == 1


def test_a_database_of_another_program_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "addresses.db"
    with sqlite3.connect(path) as other:
        other.execute("create table address (name text)")
    other.close()
    before = path.read_bytes()
    for create in (False, True):
        with pytest.raises(ReplicaError, match="is not a replica"):
            ReplicaStore(path, create=create)
    assert path.read_bytes() == before


def test_a_replica_of_another_version_is_refused(file: Path) -> None:
    with sqlite3.connect(file) as other:
        other.execute("pragma user_version = 99")
    other.close()
    with pytest.raises(ReplicaError, match="has format 99"):
        ReplicaStore(file)


def test_a_name_with_the_signs_of_a_url_is_a_name(tmp_path: Path, file: Path) -> None:
    odd = tmp_path / "réplica?mode=rw&x#1 %20.db"
    shutil.copy(file, odd)
    connection = connect_to_read(odd)
    assert connection.execute("select count(*) from event").fetchone()[0] == 6
    connection.close()
