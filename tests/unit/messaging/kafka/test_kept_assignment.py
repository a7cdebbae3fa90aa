"""A partition of the old and the new assignment keeps its position, and is read while the group rebalances."""

import re
from typing import Any

from aiokafka import TopicPartition
from samenspel.messaging.kafka.kept_assignment import KeptAssignment, UnpositionedPartitions

STAYS, MOVES, COMES = (TopicPartition(f"samenspel.in.initiatives.{number}", 0) for number in range(3))


def assigned(*partitions: TopicPartition) -> tuple[Any, UnpositionedPartitions]:
    """A pattern subscription that reads these partitions, each from offset 7."""
    unpositioned = UnpositionedPartitions()
    state: Any = KeptAssignment(unpositioned)
    state.subscribe_pattern(re.compile("samenspel.in.*"))
    state.subscribe_from_pattern({each.topic for each in partitions})
    state.assign_from_subscribed(set(partitions))
    assert unpositioned.partitions == set(partitions)
    for partition in partitions:
        state.seek(partition, 7)
    unpositioned.partitions.clear()
    return state, unpositioned


async def test_partition_that_stays_keeps_its_state_and_a_new_one_is_unpositioned() -> None:
    state, unpositioned = assigned(STAYS, MOVES)
    state.pause(STAYS)
    before = state._assigned_state(STAYS)
    state.subscribe_from_pattern({STAYS.topic, COMES.topic})
    state.assign_from_subscribed({STAYS, COMES})
    assert state._assigned_state(STAYS) is before
    assert (before.position, before.paused) == (7, True)
    assert not state._assigned_state(COMES).has_valid_position
    assert unpositioned.partitions == {COMES}


async def test_reset_partition_that_stays_is_still_unpositioned() -> None:
    state, unpositioned = assigned(STAYS, MOVES)
    unpositioned.add([STAYS])
    state.assign_from_subscribed({STAYS})
    assert unpositioned.partitions == {STAYS}


async def test_old_assignment_is_read_until_the_new_one_arrives() -> None:
    state, _ = assigned(STAYS, MOVES)
    state.begin_reassignment()
    assert not state.reassignment_in_progress
    old = state.subscription.assignment
    state.subscribe_from_pattern({STAYS.topic, MOVES.topic, COMES.topic})
    assert state.subscription.assignment is old
    assert old.active and not state.reassignment_in_progress
    state.assign_from_subscribed({STAYS})
    assert not old.active


async def test_first_assignment_is_waited_for() -> None:
    state: Any = KeptAssignment(UnpositionedPartitions())
    state.subscribe({STAYS.topic})
    state.begin_reassignment()
    assert state.reassignment_in_progress


async def test_deleted_topic_is_not_fetched_and_opened_again_after_it_was_made_anew() -> None:
    state, unpositioned = assigned(STAYS, MOVES)
    before = state._assigned_state(MOVES)
    state.subscribe_from_pattern({STAYS.topic})
    assert state.paused_partitions() == {MOVES}
    state.subscribe_from_pattern({STAYS.topic, MOVES.topic})
    state.assign_from_subscribed({STAYS, MOVES})
    assert state._assigned_state(MOVES) is not before
    assert state.paused_partitions() == set()
    assert unpositioned.partitions == {MOVES}


async def test_partition_added_again_discards_the_present_resolution() -> None:
    unpositioned = UnpositionedPartitions()
    unpositioned.being_resolved = {STAYS, MOVES}
    unpositioned.add([MOVES])
    assert unpositioned.being_resolved == {STAYS}
    assert unpositioned.changed.is_set()
