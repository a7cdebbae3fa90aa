"""Requests about many partitions: each has a result of its own, and a silent cluster is no missing topic."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.cluster import ClusterMetadata
from aiokafka.errors import (
    KafkaConnectionError,
    LeaderNotAvailableError,
    NodeNotReadyError,
    NotLeaderForPartitionError,
    UnknownTopicOrPartitionError,
)
from aiokafka.structs import BrokerMetadata, PartitionMetadata
from samenspel.messaging.kafka import offset_requests
from samenspel.messaging.kafka.offset_requests import LATEST, exists, forget, has_leaders, list_offsets, locate

KNOWN, OTHER = TopicPartition("known", 0), TopicPartition("other", 0)
UNKNOWN_TOPIC, LEADER_NOT_AVAILABLE, NOT_LEADER = 3, 5, 6


class Client:
    """Two brokers. ``answers`` are given in order; an error is raised."""

    def __init__(self, *answers: Any) -> None:
        self.cluster: Any = ClusterMetadata()
        self.cluster._brokers = {each: BrokerMetadata(each, "host", 9092, None) for each in (1, 2)}
        self._topics: set[str] = set()
        self.answers = list(answers)
        self.requests: list[tuple[int, Any]] = []

    async def send(self, node: int, request: Any) -> Any:
        self.requests.append((node, request))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def lead(self, partition: TopicPartition, leader: int) -> None:
        led = PartitionMetadata(partition.topic, partition.partition, leader, [], [], 0)
        self.cluster._partitions.setdefault(partition.topic, {})[partition.partition] = led


def topics(**codes: int) -> Any:
    """A metadata response: each topic has one partition, led by broker 1."""
    found = [(code, topic, False, [] if code else [(0, 0, 1, [1], [1])]) for topic, code in codes.items()]
    brokers = [(1, "host", 9092, None), (2, "host", 9092, None)]
    return SimpleNamespace(API_VERSION=1, brokers=brokers, topics=found, controller_id=1)


def offsets(*found: tuple[str, int, int]) -> Any:
    return SimpleNamespace(topics=[(topic, [(0, code, -1, offset)]) for topic, code, offset in found])


async def test_only_topics_without_a_known_leader_are_asked_for() -> None:
    client: Any = Client(topics(other=0, nobody=UNKNOWN_TOPIC))
    client.lead(KNOWN, 2)
    await locate(client, ["known", "other", "nobody"])
    [(_, request)] = client.requests
    assert request._topics == ["nobody", "other"]
    assert request._allow_auto_topic_creation is False
    assert exists(client, OTHER) and exists(client, KNOWN) and not exists(client, TopicPartition("nobody", 0))
    assert client._topics == {"other"}, "aiokafka asks for these topics only"
    await locate(client, ["known", "other"])
    assert len(client.requests) == 1
    forget(client, ["known"])
    assert not has_leaders(client, "known")


@pytest.mark.parametrize("response", [topics(other=LEADER_NOT_AVAILABLE), topics()], ids=["topic", "cluster"])
async def test_cluster_without_leaders_says_nothing_about_a_topic(response: Any) -> None:
    """Otherwise an admitted organisation would be refused while all brokers are fenced."""
    if not response.topics:
        response.brokers = []
    with pytest.raises(LeaderNotAvailableError):
        await locate(Client(response), ["other"])  # type: ignore[arg-type]


async def test_second_broker_is_asked_when_the_first_does_not_answer() -> None:
    client: Any = Client(NodeNotReadyError(), topics(other=0))
    await locate(client, ["other"])
    assert {node for node, _ in client.requests} == {1, 2}
    with pytest.raises(KafkaConnectionError):
        await offset_requests._ask_any_broker(SimpleNamespace(cluster=SimpleNamespace(brokers=list)), None)  # type: ignore[arg-type]


async def test_each_partition_has_an_offset_or_an_error_of_its_own() -> None:
    partitions = [TopicPartition(name, 0) for name in ("good", "moved", "dead", "leaderless", "nobody")]
    good, moved, dead, leaderless, nobody = partitions
    client: Any = Client(offsets(("good", 0, 7), ("moved", NOT_LEADER, -1)), NodeNotReadyError("2"))
    for partition, leader in ((good, 1), (moved, 1), (dead, 2), (leaderless, -1)):
        client.lead(partition, leader)
    found = await list_offsets(client, partitions, LATEST)
    assert found[good] == 7
    errors = {moved: NotLeaderForPartitionError, dead: NodeNotReadyError, leaderless: LeaderNotAvailableError}
    assert {each: type(found[each]) for each in errors} == errors
    assert isinstance(found[nobody], UnknownTopicOrPartitionError)
    assert len(client.requests) == 2, "one for each leader"
