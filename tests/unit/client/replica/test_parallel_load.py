"""The parallel load leaves a lane with a new timeline to the ordinary synchronisation."""

from pathlib import Path

import pytest
from samenspel.client.access.profile import Profile
from samenspel.client.replica import ReplicaStore, parallel_load

from tests.support.lane_owner import TOPIC


def test_a_lane_that_its_owner_started_anew_is_left_to_who_knows_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forgotten a moment ago, it stands at nothing too, but on another timeline."""
    monkeypatch.setattr(parallel_load, "EVENTS_MIN", 1)
    asked = list[parallel_load.OffsetRanges]()
    monkeypatch.setattr(parallel_load, "_shares", lambda places: asked.append(places) or [])
    with ReplicaStore(tmp_path / "replica.db", create=True) as store:
        store.restart_lane(store.lane(TOPIC, 0), 2)
        assert parallel_load.load(Profile(tmp_path), "", store, {(TOPIC, 0): (0, 10)}, lambda *counts: None) == 0
        assert asked == []
