"""A profile for the tests of the command."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from samenspel.client.access.profile import Credential, KafkaAccess, Profile, System
from samenspel.contracts.organisations import OPERATOR

from tests.support.cli import NOWHERE, OIN


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Profile]:
    """A profile of a system without running services."""
    made = Profile(tmp_path / "profile")
    http = {service: f"http://{NOWHERE}" for service in ("registry", "funding", "notifier")}
    kafka = KafkaAccess(bootstrap=NOWHERE, security_protocol="SASL_PLAINTEXT")
    made.save_system(System(kafka=kafka, http=http))  # type: ignore[arg-type]
    made.save(Credential(name="Gemeente Utrecht", oin=OIN, username=OIN, password="p", token="t"))
    monkeypatch.setenv("SAMENSPEL_PROFILE", str(made.folder))
    yield made


@pytest.fixture
def operator(profile: Profile) -> Profile:
    """The same profile, with the operator's credential."""
    profile.save(Credential(name="Operator", oin=OPERATOR, username=OPERATOR, password="p", token="t"))
    return profile
