"""Access policy for Kafka: ACLs and quotas, the same in every deployment."""

from dataclasses import dataclass
from typing import Final, Literal

from samenspel.contracts.topics import (
    CANONICAL,
    DOMAIN_OF,
    INGRESS,
    RECEIPTS,
    Service,
    ingress,
    receipts,
)

Operation = Literal["READ", "WRITE", "DESCRIBE"]
READ_ONLY: Final[tuple[Operation, ...]] = ("DESCRIBE", "READ")
WRITE_ONLY: Final[tuple[Operation, ...]] = ("DESCRIBE", "WRITE")
READ_WRITE: Final[tuple[Operation, ...]] = ("DESCRIBE", "READ", "WRITE")


@dataclass(frozen=True, slots=True)
class AclRule:
    """Operations of one user on a topic or consumer group; with ``prefixed``, on all names starting with `name`."""

    resource: Literal["topic", "group"]
    name: str
    operations: tuple[Operation, ...]
    prefixed: bool = False


@dataclass(frozen=True, slots=True)
class Quota:
    """Limits of one user at each broker, with Kafka's names. Above a limit the broker delays its responses."""

    producer_byte_rate: int
    consumer_byte_rate: int
    request_percentage: int
    """Percentage of one broker thread."""


QUOTA_OF_ORGANISATION: Final = Quota(
    producer_byte_rate=5_000_000, consumer_byte_rate=50_000_000, request_percentage=100
)
"""Far above the need of any city (thousands of events per second), far below the capacity of a broker.

Services have no quota: they only write events that organisations submitted."""


def acls_of_service(service: Service) -> list[AclRule]:
    """Read the ingress of its domain and all canonical topics; write its own canonical topics and receipts."""
    domain = DOMAIN_OF[service]
    canonical = [
        AclRule("topic", topic, READ_WRITE if owner == service else READ_ONLY) for topic, owner in CANONICAL.items()
    ]
    return [
        AclRule("topic", f"{INGRESS}.{domain}.", READ_ONLY, prefixed=True),
        *canonical,
        AclRule("topic", f"{RECEIPTS}.{domain}.", READ_WRITE, prefixed=True),
        AclRule("group", f"samenspel-{service}", READ_ONLY, prefixed=True),
    ]


def acls_of_organisation(oin: str) -> list[AclRule]:
    """Write its own ingress; read canonical topics and its own receipts; use groups prefixed with its OIN."""
    domains = DOMAIN_OF.values()
    return [
        *(AclRule("topic", ingress(domain, oin), WRITE_ONLY) for domain in domains),
        *(AclRule("topic", topic, READ_ONLY) for topic in CANONICAL),
        *(AclRule("topic", receipts(domain, oin), READ_ONLY) for domain in domains),
        AclRule("group", f"{oin}.", READ_ONLY, prefixed=True),
    ]
