"""Few partitions move when an instance joins or leaves, or when an organisation is admitted."""

from typing import Any

from aiokafka import TopicPartition
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from samenspel.messaging.kafka.assignor import RendezvousAssignor

TOPICS = [f"samenspel.in.initiatives.{number:04d}" for number in range(350)]


class Cluster:
    """Every topic has one partition."""

    def partitions_for_topic(self, topic: str) -> set[int]:
        return {0}


def distributed(members: str, topics: list[str] = TOPICS) -> dict[TopicPartition, str]:
    """The member of each partition."""
    cluster: Any = Cluster()
    metadata = {each: RendezvousAssignor.metadata(topics) for each in members}
    assigned = RendezvousAssignor.assign(cluster, metadata)
    found = {partition: member for member, each in assigned.items() for partition in each.partitions()}
    assert sum(len(each.partitions()) for each in assigned.values()) == len(found) == len(topics)
    return found


def moved(before: dict[TopicPartition, str], after: dict[TopicPartition, str]) -> int:
    """Partitions that changed from one member to another."""
    return sum(after.get(partition, member) != member for partition, member in before.items())


def shares(found: dict[TopicPartition, str]) -> list[int]:
    return sorted(list(found.values()).count(each) for each in set(found.values()))


def test_every_member_gets_its_even_share() -> None:
    assert shares(distributed("abc")) == [116, 117, 117]
    assert shares(distributed("ab", TOPICS[:8])) == [4, 4]


def test_only_the_share_of_a_member_that_joins_or_leaves_moves() -> None:
    two, three = distributed("ab"), distributed("abc")
    assert moved(distributed("a"), two) == 175
    assert moved(two, three) <= 117 + 12
    assert moved(three, two) <= 117 + 12


def test_new_topic_moves_hardly_any_other() -> None:
    for number in range(340, 350):
        assert moved(distributed("abc", TOPICS[:number]), distributed("abc", TOPICS[: number + 1])) <= 3


def test_topic_that_one_member_does_not_know_goes_to_another() -> None:
    cluster: Any = Cluster()
    members = {"a": RendezvousAssignor.metadata(TOPICS[:2]), "b": RendezvousAssignor.metadata(TOPICS[:1])}
    assigned = RendezvousAssignor.assign(cluster, members)
    assert TopicPartition(TOPICS[1], 0) in assigned["a"].partitions()


def test_version_before_takes_part_in_the_same_group() -> None:
    """Kafka requires a name that all members have; both versions then send and read the same bytes."""
    assert RendezvousAssignor.name == RoundRobinPartitionAssignor.name
    assert RendezvousAssignor.metadata(TOPICS).encode() == RoundRobinPartitionAssignor.metadata(TOPICS).encode()
