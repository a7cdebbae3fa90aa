"""Admission of organisations: the event organisation-admitted, Kafka user, rights, topics, quota, and credential.

The event comes first: a refused admission changes nothing, neither on Kafka nor in the profile. Every step is
idempotent: after a crash at any step, the same admission can be repeated, and the missing access is created.
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
from samenspel.client.submit.receipts import latest_outcome
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
    """Admit these organisations and return the registry's answer to each, in order.

    ``progress`` is called with the name of each step. An answer is *accepted*, *repeated*, or *rejected*:
    ``already-exists`` when the organisation was admitted with other content. Raises EnvironmentUnavailable,
    RequestRefused, KafkaAdminError, ProfileError, IssuerRefused.
    """
    profile.credential(operator)
    admin, issuer = admin_of(profile), Issuer(profile.issuer_folder)
    await asyncio.to_thread(admin.users)  # Kafka is asked first: no organisation is admitted that gets no access
    progress("submitting to the registry")
    statements = [statement(operator, "organisation-admitted", _data(each)) for each in organisations]
    answers = [answer for answer in await emit(profile, operator, statements, via="http") if answer is not None]
    admitted = [
        each for each, answer in zip(organisations, answers, strict=True) if latest_outcome(answer) == "accepted"
    ]
    if admitted:
        await asyncio.to_thread(_provision, profile, admin, issuer, admitted, progress)
    return answers


def _provision(
    profile: Profile,
    admin: KafkaAdmin,
    issuer: Issuer,
    organisations: Sequence[OrganisationAdmitted],
    progress: ProgressCallback,
) -> None:
    """Create topics, user, rights, quota and credential of each admitted organisation."""
    known = {each.oin: each for each in profile.credentials()}
    progress("creating topics")
    admin.ensure_topics([topic for each in organisations for topic in topics_of(each.oin)])
    progress("creating users and rights")
    credentials = [_credential(each, known.get(each.oin), issuer) for each in organisations]
    with ThreadPoolExecutor(PARALLEL_REQUESTS) as pool:
        for credential in pool.map(partial(_grant_access, admin), credentials):
            profile.save(credential)
    _wait_for_users(admin, {credential.username for credential in credentials})


def _wait_for_users(admin: KafkaAdmin, users: set[str]) -> None:
    """Wait until the brokers know the users.

    Brokers apply a new user after the controller, in order after the new topics.
    """
    deadline = time.monotonic() + USER_SECONDS_MAX
    while not users <= set(admin.users()):
        if time.monotonic() > deadline:
            raise KafkaAdminError(
                f"Kafka does not know the new users after {USER_SECONDS_MAX:.0f} s: repeat the command"
            )
        time.sleep(USER_POLL_SECONDS)


def _credential(organisation: OrganisationAdmitted, known: Credential | None, issuer: Issuer) -> Credential:
    """Credential with a new token. A known password stays unchanged: the organisation may be using the password."""
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
