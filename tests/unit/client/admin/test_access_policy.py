"""Permissions (design: organisations write their own ingress, the owner alone writes a canonical topic)."""

from typing import get_args

import pytest
from samenspel.client.admin.access_policy import AclRule, acls_of_organisation, acls_of_service
from samenspel.contracts.topics import CANONICAL, DOMAIN_OF, Service, ingress, receipts

OIN, OTHER = "00000099000000000344", "00000099000000000503"
SERVICES: tuple[Service, ...] = get_args(Service)


def may(rights: list[AclRule], operation: str, topic: str) -> bool:
    return any(
        right.resource == "topic"
        and operation in right.operations
        and (topic.startswith(right.name) if right.prefixed else topic == right.name)
        for right in rights
    )


def test_organisation_writes_its_own_ingress_only() -> None:
    rights = acls_of_organisation(OIN)
    written = {right.name for right in rights if "WRITE" in right.operations}
    assert written == {ingress(domain, OIN) for domain in DOMAIN_OF.values()}
    assert not any(right.prefixed for right in rights if right.resource == "topic")


@pytest.mark.parametrize("domain", DOMAIN_OF.values())
def test_organisation_reads_its_own_receipts_only(domain: str) -> None:
    rights = acls_of_organisation(OIN)
    assert may(rights, "READ", f"samenspel.receipts.{domain}.{OIN}")
    assert not may(rights, "READ", f"samenspel.receipts.{domain}.{OTHER}")
    assert not may(rights, "READ", f"samenspel.in.{domain}.{OIN}")


def test_consumer_groups_belong_to_their_owner() -> None:
    assert [right.name for right in acls_of_organisation(OIN) if right.resource == "group"] == [f"{OIN}."]
    assert [right.name for right in acls_of_service("registry") if right.resource == "group"] == [
        "samenspel-registry"
    ]


@pytest.mark.parametrize("topic", CANONICAL)
def test_canonical_topic_has_one_writer_and_every_reader(topic: str) -> None:
    writers = [service for service in SERVICES if may(acls_of_service(service), "WRITE", topic)]
    assert writers == [CANONICAL[topic]]
    assert all(may(acls_of_service(service), "READ", topic) for service in SERVICES)
    assert may(acls_of_organisation(OIN), "READ", topic)


@pytest.mark.parametrize("service", SERVICES)
def test_service_reads_and_answers_its_own_domain_only(service: Service) -> None:
    rights = acls_of_service(service)
    for owner, domain in DOMAIN_OF.items():
        assert may(rights, "READ", ingress(domain, OIN)) == (owner == service)
        assert may(rights, "WRITE", receipts(domain, OIN)) == (owner == service)
        assert not may(rights, "WRITE", ingress(domain, OIN))
