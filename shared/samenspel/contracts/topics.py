"""The topics: who writes, who reads, how long they last, and on which lane a key travels.

Three kinds, and the difference matters everywhere:

* *ingress* ``samenspel.in.<domain>.<oin>``: one organisation writes, one service reads; nothing in it is trusted.
* *canonical* ``samenspel.<name>``: exactly one service writes, everybody reads, kept for ever.
* *receipts* ``samenspel.receipts.<domain>.<oin>``: the answers of one service to one organisation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal

from aiokafka.partitioner import murmur2

Service = Literal["registry", "funding", "notifier"]
Domain = Literal["initiatives", "funding", "notifications"]

DAY_MS: Final = 24 * 60 * 60 * 1000
RECORD_BATCH_BYTES_MAX: Final = 1_048_576
INGRESS_RETENTION_DAYS: Final = 30
RECEIPT_RETENTION_DAYS: Final = 90
LANES_LOCAL: Final = 4

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
"""Each canonical topic and the one service that writes it."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as a deployment must create it; ``config`` holds Kafka's own topic settings."""

    name: str
    partitions: int
    config: Mapping[str, str] = field(default_factory=dict)


def ingress(domain: Domain, oin: str) -> str:
    return f"{INGRESS}.{domain}.{oin}"


def receipts(domain: Domain, oin: str) -> str:
    return f"{RECEIPTS}.{domain}.{oin}"


def organisation_of(topic: str) -> str:
    """The OIN that an ingress or receipts topic belongs to: its last part."""
    return topic.rpartition(".")[2]


def canonical_topics(lanes: int) -> list[Topic]:
    """The four canonical topics; ``lanes`` is fixed for ever at creation (4 locally, 12 in production)."""
    config = {
        "retention.ms": "-1",
        "retention.bytes": "-1",
        "cleanup.policy": "delete",
        "max.message.bytes": str(RECORD_BATCH_BYTES_MAX),
    }
    return [Topic(name, lanes, config) for name in CANONICAL]


def topics_of(oin: str) -> list[Topic]:
    """An organisation's own topics: per domain one to submit on and one on which it is answered.

    Ingress is stamped by the broker (a sender's clock can neither expire nor immortalise a record) and is
    never cut by size: only time removes what a service has not read yet.
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


@lru_cache(maxsize=16_384)
def lane_of(key: str, lanes: int) -> int:
    """The partition that Kafka's default partitioner (murmur2) gives this key."""
    return int((murmur2(key.encode()) & 0x7FFFFFFF) % lanes)


LaneId = tuple[str, int]
"""A topic and a partition of it."""
