"""The permissions of a user, as enforced by the running broker.

Every request changes nothing if allowed: records with a wrong checksum, validated-only topics and settings, a
deletion of all records before the first, a heartbeat of an unknown member.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from tests.support.kafka_protocol import (
    ALTER_CONFIGS,
    CREATE_TOPICS,
    DELETE_GROUPS,
    DELETE_RECORDS,
    DESCRIBE_GROUPS,
    FETCH,
    HEARTBEAT,
    METADATA,
    PRODUCE,
    Speaker,
)

TOPIC_AUTHORIZATION_FAILED: Final = 29
GROUP_AUTHORIZATION_FAILED: Final = 30
CLUSTER_AUTHORIZATION_FAILED: Final = 31
TRANSACTIONAL_ID_AUTHORIZATION_FAILED: Final = 53
REFUSED: Final = {TOPIC_AUTHORIZATION_FAILED, GROUP_AUTHORIZATION_FAILED}

LETTERS: Final = {"describe": "D", "read": "R", "write": "W", "create": "C", "alter": "A", "delete": "X"}
_BIT: Final = {"read": 3, "write": 4, "create": 5, "delete": 6, "alter": 10, "describe": 8}
"""Kafka's AclOperation codes: the bits of a topic's authorized operations (KIP-430); *alter* is for settings."""
_TOPIC: Final = 2
_SET: Final = 0
_WITHIN_MS: Final = 5_000

Rights = dict[str, str]
"""Name of a topic or group → the allowed operations, as `LETTERS` in order."""


async def rights_on_topics(speaker: Speaker, topics: Sequence[str]) -> Rights:
    """Each operation tried on each topic; a topic need not exist."""
    errors = {
        "describe": await _describe(speaker, topics),
        "read": await _read(speaker, topics),
        "write": await _write(speaker, topics),
        "create": await _create(speaker, topics),
        "alter": await _alter(speaker, topics),
        "delete": await _delete(speaker, topics),
    }
    return {topic: _letters({operation: found[topic] for operation, found in errors.items()}) for topic in topics}


async def rights_on_groups(speaker: Speaker, groups: Sequence[str]) -> Rights:
    """To describe, to take part (read) and to delete; the groups need not exist."""
    described = await speaker.ask(DESCRIBE_GROUPS, groups)
    deleted = await speaker.ask(DELETE_GROUPS, groups)
    beats = {group: (await speaker.ask(HEARTBEAT, group, 1, "nobody")).error for group in groups}
    errors = {
        "describe": {each.name: each.error for each in described.groups},
        "read": beats,
        "delete": {each.name: each.error for each in deleted.groups},
    }
    return {group: _letters({operation: found[group] for operation, found in errors.items()}) for group in groups}


async def rights_as_listed(speaker: Speaker, topics: Sequence[str]) -> tuple[Rights, int]:
    """The broker's own list for existing topics; and the rights on the cluster, as bits."""
    answer = await speaker.ask(METADATA, topics, False, True, True)
    listed = {
        each.name: "".join(letter for operation, letter in LETTERS.items() if each.rights & (1 << _BIT[operation]))
        for each in answer.topics
        if each.error not in REFUSED
    }
    return {topic: listed.get(topic, "") for topic in topics}, answer.cluster_rights


def _letters(errors: dict[str, int]) -> str:
    return "".join(letter for each, letter in LETTERS.items() if each in errors and errors[each] not in REFUSED)


async def _describe(speaker: Speaker, topics: Sequence[str]) -> dict[str, int]:
    answer = await speaker.ask(METADATA, topics, False, False, False)
    return {each.name: each.error for each in answer.topics}


async def _read(speaker: Speaker, topics: Sequence[str]) -> dict[str, int]:
    wanted = [(topic, [(0, 0, 1)]) for topic in topics]
    return dict(_of_partitions(await speaker.ask(FETCH, -1, 0, 0, 1, 0, wanted)))


async def _write(speaker: Speaker, topics: Sequence[str]) -> dict[str, int]:
    wanted = [(topic, [(0, broken_batch())]) for topic in topics]
    return dict(_of_partitions(await speaker.ask(PRODUCE, None, -1, _WITHIN_MS, wanted)))


async def _create(speaker: Speaker, topics: Sequence[str]) -> dict[str, int]:
    wanted = [(topic, 1, 1, [], []) for topic in topics]
    answer = await speaker.ask(CREATE_TOPICS, wanted, _WITHIN_MS, True)
    return {each.name: each.error for each in answer.topics}


async def _alter(speaker: Speaker, topics: Sequence[str]) -> dict[str, int]:
    wanted = [(_TOPIC, topic, [("retention.ms", _SET, "1000")]) for topic in topics]
    answer = await speaker.ask(ALTER_CONFIGS, wanted, True)
    return {each.name: each.error for each in answer.resources}


async def _delete(speaker: Speaker, topics: Sequence[str]) -> dict[str, int]:
    wanted = [(topic, [(0, 0)]) for topic in topics]
    return dict(_of_partitions(await speaker.ask(DELETE_RECORDS, wanted, _WITHIN_MS)))


def _of_partitions(answer: object) -> Iterator[tuple[str, int]]:
    for topic in answer.topics:  # type: ignore[attr-defined]  # aiokafka is not typed
        for partition in topic.partitions:
            yield topic.name, partition.error


def broken_batch() -> bytes:
    """A record batch (magic 2) without records and with a wrong checksum: never stored, whoever sends the batch."""
    behind_length = bytes(4) + b"\x02" + bytes(4) + bytes(2) + b"\xff" * 4 + bytes(16) + b"\xff" * 14 + bytes(4)
    return bytes(8) + len(behind_length).to_bytes(4, "big") + behind_length
