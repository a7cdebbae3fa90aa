"""Organisations for tests: each test makes new organisations, so nothing needs cleaning up."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from samenspel.client.access.local_issuer import Issuer
from samenspel.client.access.profile import Credential
from samenspel.client.admin.access_policy import acls_of_organisation
from samenspel.client.admin.kafka_admin import KafkaAdmin
from samenspel.contracts.topics import topics_of

from deploy.local.system import LocalSystem
from tests.support.events import Event, event
from tests.support.submitting import post


@dataclass(frozen=True, slots=True)
class Organisation:
    """An admitted organisation and the system."""

    system: LocalSystem = field(repr=False)
    credential: Credential = field(repr=False)
    name: str

    @property
    def oin(self) -> str:
        return self.credential.oin

    @property
    def source(self) -> str:
        return f"urn:nld:oin:{self.oin}:systeem:tests"

    @property
    def kafka(self) -> dict[str, Any]:
        """Connection settings for aiokafka."""
        return {
            "bootstrap_servers": self.system.kafka.bootstrap,
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": self.credential.username,
            "sasl_plain_password": self.credential.password,
        }

    def event(self, fact: str, data: Mapping[str, Any], **attributes: Any) -> Event:
        """A CloudEvent of this organisation: ``fact`` is the type without prefix and version."""
        return event(self.source, fact, data, **attributes)


def unique_oin() -> str:
    """An unused test OIN (prefix 00000099)."""
    return f"00000099{random.SystemRandom().randrange(10**9, 10**12):012d}"


def operator_of(system: LocalSystem) -> Organisation:
    """The operator, inserted by the migrations."""
    credential = next(each for each in system.profile.credentials() if each.name == "Samenspel operator")
    return Organisation(system, credential, credential.name)


async def admit(system: LocalSystem, kind: str = "municipality", roles: tuple[str, ...] = ()) -> Organisation:
    """A new organisation: user, rights, topics, token, and known to the registry.

    The credential is not kept in the profile, as other tests read the profile.
    """
    oin = unique_oin()
    name = f"Gemeente {oin[-12:]}"
    token = Issuer(system.profile.issuer_folder).mint(oin)
    credential = Credential(name=name, oin=oin, username=oin, password=f"secret-{oin}", token=token)
    await asyncio.to_thread(_provide, system, credential)
    stated = {"oin": oin, "name": name, "kind": kind, **({"roles": list(roles)} if roles else {})}
    operator = operator_of(system)
    answer = await post(operator, "registry", operator.event("organisation-admitted", stated))
    assert answer.outcome == "accepted", answer
    return Organisation(system, credential, name)


def _provide(system: LocalSystem, credential: Credential) -> None:
    admin = system.kafka.admin()
    admin.ensure_topics(topics_of(credential.oin))
    admin.ensure_user(credential.username, credential.password)
    admin.ensure_acls(credential.username, acls_of_organisation(credential.oin))
    # The broker hears of a new user a moment after the controller has answered.
    assert KafkaAdmin(system.kafka.bootstrap, credential.username, credential.password).is_reachable(within=15)
