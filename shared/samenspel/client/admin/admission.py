"""Admitting organisations: everything they need to come in, and the event that makes them known.

Every step leaves alone or makes right what is there already, so that the whole may be repeated after a crash
anywhere. The credential is kept before the event is submitted: a known organisation can always come in.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from samenspel.client.access.local_issuer import Issuer
from samenspel.client.access.profile import Credential, Profile
from samenspel.client.admin.access_policy import QUOTA_OF_ORGANISATION, acls_of_organisation
from samenspel.client.admin.kafka_admin import KafkaAdmin, KafkaAdminError, admin_of
from samenspel.client.submit.emit import emit
from samenspel.client.submit.statements import statement
from samenspel.contracts.organisations import OPERATOR, OrganisationAdmitted
from samenspel.contracts.receipts import Answer
from samenspel.contracts.topics import topics_of

PARALLEL_REQUESTS: Final = 8
PASSWORD_BYTES: Final = 32
USER_SECONDS_MAX: Final = 30.0
USER_POLL_SECONDS: Final = 0.1
ProgressCallback = Callable[[str], None]


async def admit(
    profile: Profile,
    organisations: Sequence[OrganisationAdmitted],
    *,
    operator: str = OPERATOR,
    progress: ProgressCallback = lambda _: None,
) -> list[Answer]:
    """Let these organisations in; the registry's answer to each, in order.

    ``told`` hears each step. An answer is *accepted*, *repeated*, or *rejected*: ``already-exists`` when the
    organisation was admitted with other content. Raises SurroundingsMissing, DoorRefused, KafkaAdminError,
    ProfileError, IssuerRefused.
    """
    profile.credential(operator)
    await asyncio.to_thread(_provision, profile, organisations, progress)
    progress("telling the registry")
    statements = [statement(operator, "organisation-admitted", _data(each)) for each in organisations]
    answers = await emit(profile, operator, statements, via="http")
    return [answer for answer in answers if answer is not None]


def _provision(profile: Profile, organisations: Sequence[OrganisationAdmitted], progress: ProgressCallback) -> None:
    """Topics, user, rights, quota and credential of each."""
    admin = admin_of(profile)
    issuer = Issuer(profile.issuer_folder)
    known = {each.oin: each for each in profile.credentials()}
    progress("making topics")
    admin.ensure_topics([topic for each in organisations for topic in topics_of(each.oin)])
    progress("making users and rights")
    credentials = [_credential(each, known.get(each.oin), issuer) for each in organisations]
    with ThreadPoolExecutor(PARALLEL_REQUESTS) as pool:
        for credential in pool.map(partial(_grant_access, admin), credentials):
            profile.save(credential)
    _wait_for_users(admin, {credential.username for credential in credentials})


def _wait_for_users(admin: KafkaAdmin, users: set[str]) -> None:
    """Brokers hear of a user after the controller does, behind the topics that they are still making."""
    deadline = time.monotonic() + USER_SECONDS_MAX
    while not users <= set(admin.users()):
        if time.monotonic() > deadline:
            raise KafkaAdminError(f"Kafka has not let the new users in within {USER_SECONDS_MAX:.0f} s")
        time.sleep(USER_POLL_SECONDS)


def _credential(organisation: OrganisationAdmitted, known: Credential | None, issuer: Issuer) -> Credential:
    """A password that is known stays: the organisation may be using it."""
    return Credential(
        name=organisation.name,
        oin=organisation.oin,
        username=organisation.oin,
        password=known.password if known else secrets.token_urlsafe(PASSWORD_BYTES),
        token=issuer.mint(organisation.oin),
    )


def _grant_access(admin: KafkaAdmin, credential: Credential) -> Credential:
    admin.ensure_user(credential.username, credential.password)
    admin.ensure_acls(credential.username, acls_of_organisation(credential.oin))
    admin.set_quota(credential.username, QUOTA_OF_ORGANISATION)
    return credential


def _data(organisation: OrganisationAdmitted) -> dict[str, object]:
    return organisation.model_dump(mode="json", exclude_unset=True)
