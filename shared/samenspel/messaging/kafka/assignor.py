"""Distribution of partitions over the instances of a service, such that few partitions move.

aiokafka's ``roundrobin`` deals the sorted partitions out in turn: one more topic moves half of all partitions.
aiokafka's ``sticky`` keeps the assignment of one consumer per process in the class, and a service has two consumers.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

from aiokafka import TopicPartition
from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata

NAME: Final = "roundrobin"
"""The name of the assignor of the version before: both versions can then be members of one group. The leader of the
group distributes by the rule of its own version, and any distribution is safe."""


class RendezvousAssignor(RoundRobinPartitionAssignor):  # type: ignore[misc]  # aiokafka has no types
    """Gives each partition to the instance with the highest hash of both, as long as that instance has room.

    No instance gets more than its even share, rounded up. The result depends on the members and the topics alone.
    """

    name = NAME

    @classmethod
    def assign(
        cls, cluster: ClusterMetadata, members: Mapping[str, ConsumerProtocolMemberMetadata]
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        subscribed = {name: set(member.subscription) for name, member in members.items()}
        shares = share_out(_partitions(cluster, subscribed), subscribed)
        return {
            name: ConsumerProtocolMemberAssignment(cls.version, _by_topic(shares.get(name, [])), b"")
            for name in members
        }


def share_out(
    partitions: list[TopicPartition], subscribed: Mapping[str, set[str]]
) -> dict[str, list[TopicPartition]]:
    """The partitions of each member, given the topics that each member is subscribed to."""
    share = -(-len(partitions) // len(subscribed))
    taken: Counter[str] = Counter()
    shares: dict[str, list[TopicPartition]] = defaultdict(list)
    for partition in sorted(partitions, key=lambda each: _hash("", each)):
        candidates = [name for name, topics in subscribed.items() if partition.topic in topics]
        with_room = [name for name in candidates if taken[name] < share]
        member = max(with_room or candidates, key=lambda name: (_hash(name, partition), name))
        taken[member] += 1
        shares[member].append(partition)
    return shares


def _partitions(cluster: ClusterMetadata, subscribed: Mapping[str, set[str]]) -> list[TopicPartition]:
    topics = set[str]().union(*subscribed.values())
    return [TopicPartition(topic, each) for topic in topics for each in cluster.partitions_for_topic(topic) or ()]


def _by_topic(partitions: list[TopicPartition]) -> list[tuple[str, list[int]]]:
    topics: dict[str, list[int]] = defaultdict(list)
    for partition in sorted(partitions):
        topics[partition.topic].append(partition.partition)
    return sorted(topics.items())


def _hash(member: str, partition: TopicPartition) -> bytes:
    return blake2b(f"{member} {partition.topic} {partition.partition}".encode(), digest_size=8).digest()
