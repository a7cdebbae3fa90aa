"""Every kind of user tries everything on every kind of topic and group; the broker answers as the table says."""

from collections.abc import Mapping
from typing import Any, get_args

import pytest
import pytest_asyncio
from aiokafka.errors import KafkaConnectionError
from samenspel.contracts.organisations import Kind
from samenspel.contracts.topics import Service

from deploy.local.home import CHECKOUT
from deploy.local.system import LocalSystem
from tests.security.kafka_permissions import (
    CLUSTER_AUTHORIZATION_FAILED,
    TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    rights_as_listed,
    rights_on_groups,
    rights_on_topics,
)
from tests.security.permission_matrix import MATRIX, expected
from tests.support.kafka_protocol import CREATE_ACLS, INIT_PRODUCER, METADATA, speaking_as
from tests.support.organisations import Organisation, admit

SERVICES: tuple[Service, ...] = get_args(Service)
KINDS: tuple[Kind, ...] = get_args(Kind)
ORGANISATIONS = (*KINDS, "grant-authority", "operator")
EVERYTHING = (2, "samenspel.", 4, "User:*", "*", 2, 3)
"""A right for CreateAcls: all operations on all topics of this prefix, for all users."""
Users = dict[str, tuple[str, Mapping[str, Any]]]


@pytest_asyncio.fixture(scope="module")
async def another(system: LocalSystem) -> Organisation:
    return await admit(system)


@pytest_asyncio.fixture(scope="module")
async def users(system: LocalSystem, operator: Organisation) -> Users:
    """By name: the owner of the *own* topics, and the connection settings."""
    authority = await admit(system, "ministry", ("grant-authority",))
    organisations = {kind: await admit(system, kind) for kind in KINDS}
    organisations |= {"grant-authority": authority, "operator": operator}
    found: Users = {name: (each.oin, each.kafka) for name, each in organisations.items()}
    own, kafka = found["municipality"]
    secrets = {service: system.secrets[f"{service}/kafka_password"] for service in SERVICES}
    for name, password in {**secrets, "administrator": system.kafka.admin_password}.items():
        user = "admin" if name == "administrator" else name
        found[name] = (own, {**kafka, "sasl_plain_username": user, "sasl_plain_password": password})
    return found


@pytest.mark.parametrize("name", [*SERVICES, *ORGANISATIONS, "administrator"])
async def test_broker_allows_exactly_the_permissions_of_the_table(
    users: Users, another: Organisation, name: str
) -> None:
    own, kafka = users[name]
    column = "organisation" if name in ORGANISATIONS else name
    topics, groups = (expected(column, resource, own, another.oin) for resource in ("topic", "group"))
    async with speaking_as(kafka) as speaker:
        assert await rights_on_topics(speaker, list(topics)) == topics
        assert await rights_on_groups(speaker, list(groups)) == groups
        listed, _ = await rights_as_listed(speaker, list(topics))
        assert listed == topics


@pytest.mark.parametrize("name", [*SERVICES, *ORGANISATIONS])
async def test_cluster_rights_belong_to_the_administrator_only(users: Users, name: str) -> None:
    """And no user may use a transactional id: such an id could belong to another user, and fence the owner out."""
    own, kafka = users[name]
    async with speaking_as(kafka) as speaker:
        assert (await speaker.ask(METADATA, [], False, True, False)).cluster_rights == 0
        given = await speaker.ask(CREATE_ACLS, [EVERYTHING])
        assert [each.error for each in given.results] == [CLUSTER_AUTHORIZATION_FAILED]
        for transaction in (f"{own}.transaction", f"samenspel-{name}", "any"):
            begun = await speaker.ask(INIT_PRODUCER, transaction, 1_000)
            assert begun.error == TRANSACTIONAL_ID_AUTHORIZATION_FAILED, transaction


@pytest.mark.parametrize(
    ("user", "password"),
    [("nobody", "guess"), ("admin", "guess"), ("registry", "registry"), ("ANONYMOUS", ""), ("", "")],
)
async def test_unknown_user_cannot_connect(users: Users, user: str, password: str) -> None:
    _, kafka = users["municipality"]
    with pytest.raises(KafkaConnectionError):
        async with speaking_as({**kafka, "sasl_plain_username": user, "sasl_plain_password": password}):
            pass


async def test_organisation_cannot_connect_with_anothers_password(users: Users, another: Organisation) -> None:
    _, kafka = users["municipality"]
    with pytest.raises(KafkaConnectionError):
        async with speaking_as({**kafka, "sasl_plain_username": another.oin}):
            pass


def test_threat_model_shows_the_tested_permissions() -> None:
    assert MATRIX in (CHECKOUT / "SECURITY.md").read_text()
