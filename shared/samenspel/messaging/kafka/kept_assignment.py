"""Subscription state that keeps reading the partitions that stay, while the group distributes partitions again.

aiokafka's group protocol is eager: at each rebalance, also for each new topic, aiokafka stops all partitions and
forgets their positions. Here the old assignment is read until the new assignment arrives. A partition of both
assignments keeps its position, its pause and its end offset.

Two instances may read the same partition for a moment. The database decides which of them commits: a batch locks the
ingress offset, or the checkpoint, and the other instance is fenced or skips the events (ADR 0022).
"""

import asyncio
from collections.abc import Iterable
from typing import Any

from aiokafka import TopicPartition
from aiokafka.consumer.subscription_state import Subscription, SubscriptionState


class UnpositionedPartitions:
    """Assigned partitions whose offset must be resolved from the database before their next record is read."""

    def __init__(self) -> None:
        self.partitions: set[TopicPartition] = set()
        self.being_resolved: set[TopicPartition] = set()
        """Partitions of the present request, without those that were added again since: their result is stale."""
        self.changed = asyncio.Event()

    def add(self, partitions: Iterable[TopicPartition]) -> None:
        added = set(partitions)
        self.partitions |= added
        self.being_resolved -= added
        self.changed.set()


class KeptAssignment(SubscriptionState):  # type: ignore[misc]  # aiokafka has no types
    """Replaces aiokafka's ``SubscriptionState``. Newly assigned partitions are added to ``unpositioned``."""

    def __init__(self, unpositioned: UnpositionedPartitions, loop: Any = None) -> None:
        super().__init__(loop=loop)
        self._unpositioned = unpositioned
        self._deleted: set[TopicPartition] = set()

    def begin_reassignment(self) -> None:
        """Continue with the present assignment until the next one. aiokafka would stop all partitions."""
        if not self.assigned_partitions():
            super().begin_reassignment()

    def subscribe_from_pattern(self, topics: Iterable[str]) -> None:
        """Change the topics, and keep the assignment until the group has distributed the partitions again."""
        previous: Any = self._subscription
        self._subscription: Any = Subscription(topics)
        if previous is not None:
            if previous.assignment:
                self._keep(previous.assignment)
            previous.unsubscribe_future.set_result(None)
        self._notify_subscription_waiters()

    def _keep(self, assignment: Any) -> None:
        """Read on in this assignment, without the topics that were deleted: each fetch would fail at once."""
        self._subscription._assignment = assignment
        self._subscription._reassignment_in_progress = False
        deleted = {each for each in assignment.tps if each.topic not in self._subscription.topics}
        for partition in deleted:
            assignment.state_value(partition).pause()
        self._deleted |= deleted
        self._unpositioned.partitions -= deleted

    def assign_from_subscribed(self, assignment: Iterable[TopicPartition]) -> None:
        """Assign these partitions. Partitions of the present assignment keep their state."""
        previous = self._subscription.assignment
        super().assign_from_subscribed(assignment)
        present = self._subscription.assignment
        stay = (present.tps & previous.tps) - self._deleted if previous else frozenset()
        for partition in stay:
            state = present._tp_state[partition] = previous.state_value(partition)
            state._assignment = present
        self._deleted.clear()
        self._unpositioned.partitions &= present.tps
        self._unpositioned.add(present.tps - stay)
