"""Requests to Kafka about many partitions at once: one metadata request, and one ListOffsets request per leader.

aiokafka's own functions ask for the metadata of all topics, raise one error for all partitions, or wait for a retry.
Here every partition has a result of its own: an offset, or the error of that partition.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any, Final, TypeAlias

from aiokafka import AIOKafkaClient, TopicPartition
from aiokafka.cluster import ClusterMetadata
from aiokafka.errors import (
    InvalidTopicError,
    KafkaConnectionError,
    KafkaError,
    LeaderNotAvailableError,
    NotLeaderForPartitionError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.offset import OffsetRequest

EARLIEST: Final = -2
LATEST: Final = -1
READ_UNCOMMITTED: Final = 0
MOVED: Final = (NotLeaderForPartitionError, UnknownTopicOrPartitionError)
"""Errors after which the known leader is no longer true: the topic was deleted, or has another leader."""
NO_SUCH_TOPIC: Final = (UnknownTopicOrPartitionError, TopicAuthorizationFailedError, InvalidTopicError)

Offset: TypeAlias = int | Exception
"""The offset of a partition, or the error of this partition."""


async def locate(client: AIOKafkaClient, topics: Collection[str]) -> None:
    """Learn the leaders of these topics, with one request for all topics without a known leader.

    Raises `KafkaError` when no broker answers. A topic that does not exist stays unknown.
    """
    unknown = sorted(each for each in set(topics) if not has_leaders(client, each))
    if unknown or not topics:
        response = await _ask_any_broker(client, MetadataRequest(unknown, False))
        _require_whole(response)
        found = ClusterMetadata()
        found.need_all_topic_metadata = True  # aiokafka then logs no error for a topic that does not exist.
        found.update_metadata(response)
        client.cluster._partitions.update(found._partitions)
        client._topics.update(found._partitions)


def _require_whole(response: Any) -> None:
    """Raise the error of a response that does not tell which topics exist: all brokers are fenced, for example."""
    if not response.brokers:
        raise LeaderNotAvailableError("no broker is available")
    for code, topic, *_ in response.topics:
        if code and for_code(code) not in NO_SUCH_TOPIC:
            raise for_code(code)(topic)


def has_leaders(client: AIOKafkaClient, topic: str) -> bool:
    """Whether a leader is known of every partition of this topic."""
    partitions = client.cluster.partitions_for_topic(topic) or ()
    leaders = [client.cluster.leader_for_partition(TopicPartition(topic, each)) for each in partitions]
    return bool(leaders) and -1 not in leaders


def exists(client: AIOKafkaClient, partition: TopicPartition) -> bool:
    """Whether the partition existed when `locate` asked last."""
    return partition.partition in (client.cluster.partitions_for_topic(partition.topic) or ())


def forget(client: AIOKafkaClient, topics: Iterable[str]) -> None:
    """Ask for these topics again at the next `locate`."""
    for topic in topics:
        client.cluster._partitions.pop(topic, None)
        client._topics.discard(topic)


async def list_offsets(
    client: AIOKafkaClient, partitions: Collection[TopicPartition], which: int
) -> dict[TopicPartition, Offset]:
    """The `EARLIEST` or `LATEST` offset of each located partition, or its error."""
    found: dict[TopicPartition, Offset] = {}
    topics_by_leader: dict[int, dict[str, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
    for partition in partitions:
        leader = client.cluster.leader_for_partition(partition)
        if leader is None:
            found[partition] = UnknownTopicOrPartitionError(partition)
        elif leader == -1:
            found[partition] = LeaderNotAvailableError(partition)
        else:
            topics_by_leader[leader][partition.topic].append((partition.partition, which))
    asked = [_list_offsets(client, leader, topics) for leader, topics in topics_by_leader.items()]
    for answered in await asyncio.gather(*asked):
        found |= answered
    return found


async def _list_offsets(
    client: AIOKafkaClient, leader: int, topics: dict[str, list[tuple[int, int]]]
) -> dict[TopicPartition, Offset]:
    try:
        response = await client.send(leader, OffsetRequest(-1, READ_UNCOMMITTED, list(topics.items())))
    except KafkaError as error:
        return {TopicPartition(topic, each): error for topic, asked in topics.items() for each, _ in asked}
    return {
        TopicPartition(topic, partition): for_code(code)(topic, partition) if code else offset
        for topic, answered in response.topics
        for partition, code, _, offset in answered
    }


async def _ask_any_broker(client: AIOKafkaClient, request: MetadataRequest) -> Any:
    """The answer of the first broker that answers. Raises the error of the last broker."""
    error: KafkaError = KafkaConnectionError("no broker is known")
    for broker in client.cluster.brokers():
        try:
            return await client.send(broker.nodeId, request)
        except KafkaError as failed:
            error = failed
    raise error
