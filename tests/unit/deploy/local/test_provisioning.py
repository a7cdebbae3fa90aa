"""Provisioning: topics, users with rights, and the operator's profile; all steps are repeatable."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from samenspel.client.access.profile import Profile
from samenspel.client.admin.access_policy import acls_of_organisation, acls_of_service
from samenspel.contracts.organisations import OPERATOR
from samenspel.contracts.topics import CANONICAL, topics_of

from deploy.local.provisioning import fill_profile, provision_kafka
from deploy.local.secrets import Secrets


class Kafka:
    """Keeps the administrator's requests."""

    def __init__(self) -> None:
        self.topics: set[str] = set()
        self.users: dict[str, str] = {}
        self.rights: dict[str, Any] = {}
        self.limited: list[str] = []

    def ensure_topics(self, topics: Iterable[Any]) -> None:
        self.topics |= {topic.name for topic in topics}

    def ensure_user(self, name: str, password: str) -> None:
        self.users[name] = password

    def ensure_acls(self, user: str, rights: Iterable[Any]) -> None:
        self.rights[user] = list(rights)

    def set_quota(self, user: str, quota: Any) -> None:
        self.limited.append(user)


def test_every_service_and_the_operator_get_user_rights_and_topics(tmp_path: Path) -> None:
    kafka, secrets = Kafka(), Secrets(tmp_path)
    provision_kafka(kafka, secrets, ["registry", "funding"])  # type: ignore[arg-type]
    assert kafka.topics == {*CANONICAL, *(topic.name for topic in topics_of(OPERATOR))}
    assert kafka.users == {
        "registry": secrets["registry/kafka_password"],
        "funding": secrets["funding/kafka_password"],
        OPERATOR: secrets["operator"],
    }
    assert kafka.rights["funding"] == list(acls_of_service("funding"))
    assert kafka.rights[OPERATOR] == list(acls_of_organisation(OPERATOR))
    assert kafka.limited == [OPERATOR]


def test_profile_holds_addresses_administrator_and_operator(tmp_path: Path) -> None:
    profile, secrets = Profile(tmp_path / "profile"), Secrets(tmp_path / "secrets")
    for _ in range(2):
        fill_profile(profile, "127.0.0.1:9092", {"registry": "http://127.0.0.1:8080"}, secrets)
    assert profile.system().kafka.bootstrap == "127.0.0.1:9092"
    assert profile.admin().password == secrets["kafka_admin"]
    operator = profile.credential(OPERATOR)
    assert (operator.password, bool(operator.token)) == (secrets["operator"], True)
