"""Identity of a lane: the id of the event at sequence 1, on every timeline."""

import pytest
from samenspel.contracts.lane_identity import is_other_lane


@pytest.mark.parametrize(
    ("identity", "sequence", "event", "other"),
    [("a", 1, "b", True), ("a", 1, "a", False), ("", 1, "b", False), (None, 1, "b", False), ("a", 2, "b", False)],
)
def test_first_event_alone_shows_another_lane(identity: str, sequence: int, event: str, other: bool) -> None:
    assert is_other_lane(identity, sequence, event) is other
