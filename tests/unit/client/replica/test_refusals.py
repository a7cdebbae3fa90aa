"""Refusals of a source that does not continue the file, in one sentence that names the way out."""

import pytest
from samenspel.client.replica.refusals import NotContinued, OtherSystem, require_successor

LANE = "samenspel.initiatives/0"


def test_next_timeline_with_the_first_event_of_the_lane_is_accepted() -> None:
    require_successor(LANE, "first", 1, 2, "first")


def test_lane_without_events_accepts_any_timeline() -> None:
    require_successor(LANE, "", 1, 9, "another")


def test_timeline_of_another_lane_is_of_another_system() -> None:
    with pytest.raises(
        OtherSystem, match=r"this file is of another system: lane samenspel.initiatives/0 .*--rebuild"
    ):
        require_successor(LANE, "first", 1, 2, "another")


def test_timeline_that_rises_by_more_than_one_is_refused() -> None:
    with pytest.raises(NotContinued, match=r"on timeline 3 and this file on 1: .*--rebuild"):
        require_successor(LANE, "first", 1, 3, "first")


def test_refusal_is_no_fault_of_the_environment() -> None:
    assert OtherSystem(LANE).exit_code == 1
