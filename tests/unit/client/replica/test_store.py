"""The replica's file: unknown aggregates are stored raw; other files are refused."""

from pathlib import Path

import pytest
from samenspel.client.replica import ReplicaError, ReplicaStore

from tests.support.lane_owner import Owner
from tests.support.replicas import equals, sync


def test_aggregate_of_an_unknown_kind_is_stored_raw_and_counted(store: ReplicaStore) -> None:
    owner = Owner()
    owner.publish("a", aggregate="invention.v9", value=b"\xff not even text")
    _, report = sync(store, owner)
    assert equals(report, owner)
    assert store.unknown_aggregates() == 1
    assert next(store.query("select value from event"))[0] == b"\xff not even text"


def test_file_that_is_no_replica_is_refused(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Geachte heer, mevrouw, " * 100)
    with pytest.raises(ReplicaError, match="is not a replica"):
        ReplicaStore(tmp_path / "letter.txt")
    with pytest.raises(ReplicaError, match="does not exist"):
        ReplicaStore(tmp_path / "absent.db")
