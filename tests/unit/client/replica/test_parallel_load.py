"""The parallel load leaves a lane with a new timeline to the ordinary synchronisation."""

from pathlib import Path

import pytest
from samenspel.client.access.profile import Profile
from samenspel.client.replica import ReplicaStore, parallel_load

from tests.support.lane_owner import TOPIC


def test_parallel_load_skips_a_lane_on_a_new_timeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lane restarted a moment ago has no events either, but another timeline."""
    monkeypatch.setattr(parallel_load, "EVENTS_MIN", 1)
    asked = list[parallel_load.OffsetRanges]()
    monkeypatch.setattr(parallel_load, "_shares", lambda places: asked.append(places) or [])
    with ReplicaStore(tmp_path / "replica.db", create=True) as store:
        store.restart_lane(store.lane(TOPIC, 0), 2)
        assert parallel_load.load(Profile(tmp_path), "", store, {(TOPIC, 0): (0, 10)}, lambda *counts: None) == 0
        assert asked == []
