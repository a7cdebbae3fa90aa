"""Admission: access on Kafka before the event, and a second admission changes no password."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from samenspel.client.access.profile import Credential, KafkaAccess, Profile, ProfileError, System
from samenspel.client.admin import admission
from samenspel.client.admin.admission import admit
from samenspel.contracts.organisations import OPERATOR, OrganisationAdmitted
from samenspel.contracts.receipts import Answer
from samenspel.contracts.topics import topics_of

CITY = OrganisationAdmitted(oin="00000099000000000344", name="Gemeente Utrecht", kind="municipality")


class Kafka:
    """Keeps the administrator's requests, in order."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.passwords: dict[str, str] = {}
        self.created: set[str] = set()

    def ensure_topics(self, topics: Sequence[Any]) -> None:
        self.created |= {topic.name for topic in topics}
        self.done.append("topics")

    def ensure_user(self, name: str, password: str) -> None:
        self.passwords[name] = password
        self.done.append("user")

    def ensure_acls(self, user: str, rights: Any) -> None:
        self.done.append("rights")

    def set_quota(self, user: str, quota: Any) -> None:
        self.done.append("quota")

    def users(self) -> list[str]:
        return list(self.passwords)


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    made = Profile(tmp_path / "profile")
    access = KafkaAccess(bootstrap="127.0.0.1:1", security_protocol="SASL_PLAINTEXT")
    made.save_system(System(kafka=access, http={"registry": "http://127.0.0.1:1"}))
    made.save(Credential(name="Operator", oin=OPERATOR, username=OPERATOR, password="p", token="t"))
    return made


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> Kafka:
    """Kafka's administrator, and a registry accepting every event."""
    made = Kafka()

    async def emit(profile: Profile, organisation: str, statements: Sequence[Any], via: str) -> list[Answer]:
        made.done.append(f"event by {organisation} over {via}")
        return [
            Answer(source=each.identity[0], id=each.identity[1], outcome="accepted", record="http")
            for each in statements
        ]

    monkeypatch.setattr(admission, "admin_of", lambda profile: made)
    monkeypatch.setattr(admission, "emit", emit)
    return made


async def test_organisation_has_its_access_before_its_admission_is_submitted(profile: Profile, kafka: Kafka) -> None:
    [answer] = await admit(profile, [CITY])
    assert answer.outcome == "accepted"
    assert kafka.done == ["topics", "user", "rights", "quota", f"event by {OPERATOR} over http"]
    assert kafka.created == {topic.name for topic in topics_of(CITY.oin)}
    assert profile.credential(CITY.oin).password == kafka.passwords[CITY.oin]


async def test_second_admission_keeps_the_password(profile: Profile, kafka: Kafka) -> None:
    await admit(profile, [CITY])
    before = profile.credential(CITY.oin).password
    await admit(profile, [CITY])
    assert profile.credential(CITY.oin).password == kafka.passwords[CITY.oin] == before


async def test_admission_without_the_operators_credential_changes_nothing(profile: Profile, kafka: Kafka) -> None:
    with pytest.raises(ProfileError):
        await admit(profile, [CITY], operator="00000099000000000002")
    assert kafka.done == []


async def test_user_that_kafka_never_knows_is_an_error(
    profile: Profile, kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "USER_SECONDS_MAX", 0)
    monkeypatch.setattr(kafka, "users", list)
    with pytest.raises(admission.KafkaAdminError):
        await admit(profile, [CITY])
    assert "event" not in " ".join(kafka.done)
