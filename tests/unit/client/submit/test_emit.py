"""Submitting over a chosen interface."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
from samenspel.client.access.profile import Credential, KafkaAccess, Profile, ProfileError, System
from samenspel.client.submit import emit as emitting
from samenspel.client.submit.emit import emit, submitter_for
from samenspel.client.submit.http import HttpSubmitter
from samenspel.client.submit.kafka import KafkaSubmitter
from samenspel.client.submit.statements import statement
from samenspel.contracts.examples import EXAMPLES

OIN = "00000099000000000344"


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    made = Profile(tmp_path / "profile")
    access = KafkaAccess(bootstrap="127.0.0.1:1", security_protocol="SASL_PLAINTEXT")
    made.save_system(System(kafka=access, http={"registry": "http://127.0.0.1:1"}))
    made.save(Credential(name="Gemeente Utrecht", oin=OIN, username=OIN, password="p", token="t"))
    return made


@pytest.mark.parametrize(("via", "kind"), [("kafka", KafkaSubmitter), ("http", HttpSubmitter)])
def test_submitter_is_that_of_the_interface(profile: Profile, via: Any, kind: type) -> None:
    assert isinstance(submitter_for(profile, "gemeente utrecht", via), kind)


def test_submitter_of_an_unknown_organisation_is_an_error(profile: Profile) -> None:
    with pytest.raises(ProfileError):
        submitter_for(profile, "Gemeente Nergens")


@pytest.mark.parametrize(("within", "receipts"), [(None, False), (5.0, True)])
async def test_receipts_are_read_only_when_final_answers_are_awaited(
    profile: Profile, within: float | None, receipts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    class Submitter:
        async def __aenter__(self) -> "Submitter":
            return self

        async def __aexit__(
            self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
        ) -> None: ...

        async def submit(self, statements: Sequence[Any], within: float | None, progress: Any) -> list[None]:
            asked.append(within)
            return [None] * len(statements)

    def chosen(profile: Profile, organisation: str, via: str, *, receipts: bool) -> Submitter:
        asked.append((organisation, via, receipts))
        return Submitter()

    monkeypatch.setattr(emitting, "submitter_for", chosen)
    stated = [statement(OIN, "initiative-registered", EXAMPLES["initiative-registered"])]
    assert await emit(profile, OIN, stated, within=within) == [None]
    assert asked == [(OIN, "kafka", receipts), within]
