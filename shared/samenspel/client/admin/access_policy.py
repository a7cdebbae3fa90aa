"""Who may do what on Kafka: one policy for every deployment."""

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
    """What one user may do on a topic or a consumer group, or on all whose name begins with `name`."""

    resource: Literal["topic", "group"]
    name: str
    operations: tuple[Operation, ...]
    prefixed: bool = False


@dataclass(frozen=True, slots=True)
class Quota:
    """What one user may ask of each broker, by Kafka's names; beyond it the broker answers later."""

    producer_byte_rate: int
    consumer_byte_rate: int
    request_percentage: int
    """Of one of the broker's threads."""


QUOTA_OF_ORGANISATION: Final = Quota(
    producer_byte_rate=5_000_000, consumer_byte_rate=50_000_000, request_percentage=100
)
"""Far above any city (thousands of events a second), far below what a broker takes.

Services have no quota: what they write is what organisations sent."""


def acls_of_service(service: Service) -> list[AclRule]:
    """Read what comes in for its domain and all that is canonical; write what it owns and its receipts."""
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
    """Write its own ingress, read what is canonical and its own receipts, in groups that bear its OIN."""
    domains = DOMAIN_OF.values()
    return [
        *(AclRule("topic", ingress(domain, oin), WRITE_ONLY) for domain in domains),
        *(AclRule("topic", topic, READ_ONLY) for topic in CANONICAL),
        *(AclRule("topic", receipts(domain, oin), READ_ONLY) for domain in domains),
        AclRule("group", f"{oin}.", READ_ONLY, prefixed=True),
    ]
