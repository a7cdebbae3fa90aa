"""The topics: writer, reader, retention, and the lane of a key.

Three kinds:

* *ingress* ``samenspel.in.<domain>.<oin>``: one organisation writes, one service reads; the content is not trusted.
* *canonical* ``samenspel.<name>``: exactly one service writes, all organisations and services read, kept for ever.
* *receipts* ``samenspel.receipts.<domain>.<oin>``: the answers of one service to one organisation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from struct import Struct
from typing import Final, Literal

Service = Literal["registry", "funding", "notifier"]
Domain = Literal["initiatives", "funding", "notifications"]

DAY_MS: Final = 24 * 60 * 60 * 1000
RECORD_BATCH_BYTES_MAX: Final = 1_048_576
INGRESS_RETENTION_DAYS: Final = 30
RECEIPT_RETENTION_DAYS: Final = 90
LANES_LOCAL: Final = 4

_SEED, _FACTOR, _MASK = 0x9747B28C, 0x5BD1E995, 0xFFFFFFFF
_WORD: Final = Struct("<I")

INGRESS: Final = "samenspel.in"
RECEIPTS: Final = "samenspel.receipts"
INITIATIVES: Final = "samenspel.initiatives"
ORGANISATIONS: Final = "samenspel.organisations"
FUNDING: Final = "samenspel.funding"
NOTIFICATIONS: Final = "samenspel.notifications"

DOMAIN_OF: Final[Mapping[Service, Domain]] = {
    "registry": "initiatives",
    "funding": "funding",
    "notifier": "notifications",
}
CANONICAL: Final[Mapping[str, Service]] = {
    INITIATIVES: "registry",
    ORGANISATIONS: "registry",
    FUNDING: "funding",
    NOTIFICATIONS: "notifier",
}
"""The writing service of each canonical topic."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as a deployment must create it; ``config`` contains the topic settings of Kafka."""

    name: str
    partitions: int
    config: Mapping[str, str] = field(default_factory=dict)


def ingress(domain: Domain, oin: str) -> str:
    return f"{INGRESS}.{domain}.{oin}"


def receipts(domain: Domain, oin: str) -> str:
    return f"{RECEIPTS}.{domain}.{oin}"


def organisation_of(topic: str) -> str:
    """The OIN of an ingress or receipts topic: the last part of the name."""
    return topic.rpartition(".")[2]


def canonical_topics(lanes: int) -> list[Topic]:
    """The four canonical topics. ``lanes`` cannot change after creation (4 locally, 12 in production)."""
    config = {
        "retention.ms": "-1",
        "retention.bytes": "-1",
        "cleanup.policy": "delete",
        "max.message.bytes": str(RECORD_BATCH_BYTES_MAX),
    }
    return [Topic(name, lanes, config) for name in CANONICAL]


def topics_of(oin: str) -> list[Topic]:
    """The topics of one organisation: per domain one ingress topic and one receipts topic.

    The broker sets the timestamps of ingress records, so that a sender's clock cannot shorten or extend retention.
    Ingress has no size limit: a service may read every record within the retention time.
    """
    incoming = {
        "message.timestamp.type": "LogAppendTime",
        "retention.ms": str(INGRESS_RETENTION_DAYS * DAY_MS),
        "retention.bytes": "-1",
        "max.message.bytes": str(RECORD_BATCH_BYTES_MAX),
    }
    outbound = {"retention.ms": str(RECEIPT_RETENTION_DAYS * DAY_MS), "retention.bytes": "-1"}
    domains = list(DOMAIN_OF.values())
    return [Topic(ingress(domain, oin), 1, incoming) for domain in domains] + [
        Topic(receipts(domain, oin), 1, outbound) for domain in domains
    ]


LaneId = tuple[str, int]
"""Topic and partition."""


def lane_label(lane: LaneId) -> str:
    """The lane as people and logs name it: ``samenspel.initiatives/3``."""
    return f"{lane[0]}/{lane[1]}"


@lru_cache(maxsize=16_384)
def lane_of(key: str, lanes: int) -> int:
    """The partition of ``key`` according to Kafka's default partitioner (murmur2)."""
    return (murmur2(key.encode()) & 0x7FFFFFFF) % lanes


@lru_cache(maxsize=16_384)
def lane_id(topic: str, key: str, lanes: int) -> LaneId:
    """The lane of ``key``; a decision asks for the same lane several times."""
    return topic, lane_of(key, lanes)


def murmur2(data: bytes) -> int:
    """The hash of Kafka's Java client (``org.apache.kafka.common.utils.Utils.murmur2``), without sign.

    aiokafka's function reads byte by byte, and takes three times as long. No maintained library has this hash in C.
    """
    size = len(data) & ~3
    hash = _SEED ^ len(data)
    for (word,) in _WORD.iter_unpack(data[:size]):
        word = word * _FACTOR & _MASK
        hash = hash * _FACTOR & _MASK ^ (word ^ word >> 24) * _FACTOR & _MASK
    if rest := data[size:]:
        hash = (hash ^ int.from_bytes(rest, "little")) * _FACTOR & _MASK
    hash = (hash ^ hash >> 13) * _FACTOR & _MASK
    return hash ^ hash >> 15
