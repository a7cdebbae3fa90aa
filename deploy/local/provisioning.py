"""Provisioning of Kafka and of the operator's profile. All steps may be repeated."""

from collections.abc import Iterable
from typing import Final

from samenspel.client.access.local_issuer import Issuer
from samenspel.client.access.profile import AdminCredential, Credential, KafkaAccess, Profile, System
from samenspel.client.admin.access_policy import QUOTA_OF_ORGANISATION, acls_of_organisation, acls_of_service
from samenspel.client.admin.kafka_admin import KafkaAdmin
from samenspel.contracts.organisations import OPERATOR
from samenspel.contracts.topics import LANES_LOCAL, Service, canonical_topics, topics_of

from deploy.local.kafka_node.settings import ADMIN
from deploy.local.secrets import Secrets

OPERATOR_NAME: Final = "Samenspel operator"


def provision_kafka(admin: KafkaAdmin, secrets: Secrets, services: Iterable[Service]) -> None:
    """Create topics, and a user with ACLs for each service and for the operator."""
    admin.ensure_topics([*canonical_topics(LANES_LOCAL), *topics_of(OPERATOR)])
    for service in services:
        admin.ensure_user(service, secrets[f"{service}/kafka_password"])
        admin.ensure_acls(service, acls_of_service(service))
    admin.ensure_user(OPERATOR, secrets["operator"])
    admin.ensure_acls(OPERATOR, acls_of_organisation(OPERATOR))
    admin.set_quota(OPERATOR, QUOTA_OF_ORGANISATION)


def fill_profile(profile: Profile, bootstrap: str, http: dict[Service, str], secrets: Secrets) -> None:
    """Save addresses, the admin credential for Kafka, and the operator's credential as an organisation."""
    access = KafkaAccess(bootstrap=bootstrap, security_protocol="SASL_PLAINTEXT")
    profile.save_system(System(kafka=access, http=http))
    profile.save_admin(AdminCredential(username=ADMIN, password=secrets["kafka_admin"]))
    profile.save(
        Credential(
            name=OPERATOR_NAME,
            oin=OPERATOR,
            username=OPERATOR,
            password=secrets["operator"],
            token=Issuer(profile.issuer_folder).mint(OPERATOR),
        )
    )
