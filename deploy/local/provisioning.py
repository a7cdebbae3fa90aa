"""What must be on Kafka and in the profile before anybody can work. All of it may be repeated."""

from collections.abc import Iterable
from typing import Final

from samenspel.client.issuer import Issuer
from samenspel.client.kafka_admin import KafkaAdmin
from samenspel.client.profile import AdminCredential, Credential, KafkaAccess, Profile, System
from samenspel.client.rights import QUOTA_OF_ORGANISATION, rights_of_organisation, rights_of_service
from samenspel.contracts.topics import LANES_LOCAL, Service, canonical_topics, topics_of

from deploy.local.kafka_settings import ADMIN
from deploy.local.secrets import Secrets

OPERATOR: Final = "Samenspel operator"
OPERATOR_OIN: Final = "00000099000000000001"


def provision_kafka(admin: KafkaAdmin, secrets: Secrets, services: Iterable[Service]) -> None:
    """Topics, and a user with its rights for each service and for the operator."""
    admin.ensure_topics([*canonical_topics(LANES_LOCAL), *topics_of(OPERATOR_OIN)])
    for service in services:
        admin.ensure_user(service, secrets[f"{service}/kafka_password"])
        admin.ensure_acls(service, rights_of_service(service))
    admin.ensure_user(OPERATOR_OIN, secrets["operator"])
    admin.ensure_acls(OPERATOR_OIN, rights_of_organisation(OPERATOR_OIN))
    admin.set_quota(OPERATOR_OIN, QUOTA_OF_ORGANISATION)


def fill_profile(profile: Profile, bootstrap: str, http: dict[Service, str], secrets: Secrets) -> None:
    """Addresses, the operator's key to Kafka, and the operator as an organisation."""
    access = KafkaAccess(bootstrap=bootstrap, security_protocol="SASL_PLAINTEXT")
    profile.save_system(System(kafka=access, http=http))
    profile.save_admin(AdminCredential(username=ADMIN, password=secrets["kafka_admin"]))
    profile.save(
        Credential(
            name=OPERATOR,
            oin=OPERATOR_OIN,
            username=OPERATOR_OIN,
            password=secrets["operator"],
            token=Issuer(profile.issuer_folder).mint(OPERATOR_OIN),
        )
    )
