"""Following events: from the beginning or from now on, filtered by type, with the names learned before."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from samenspel.client.access.profile import Credential, KafkaAccess, Profile, System
from samenspel.client.read import tail as tailing
from samenspel.client.read.sentences import NameIndex
from samenspel.client.read.tail import From, tail
from samenspel.contracts.topics import ORGANISATIONS

from tests.support.lane_owner import TOPIC, Owner, Record, Source

CITY = "00000099000000000344"
REGISTERED = "nl.samenspel.initiative-registered.v1"


class Lanes(Source):
    """A source with open and close, and records with a time."""

    def __enter__(self) -> "Lanes":
        return self

    def __exit__(self, *_: object) -> None: ...

    def bounds(self, topics: Sequence[str]) -> dict[tuple[str, int], tuple[int, int]]:
        return {**super().bounds(topics), (ORGANISATIONS, 0): (0, 1)}

    def read_from(self, offsets: Mapping[tuple[str, int], int]) -> None:
        super().read_from({(TOPIC, 0): 0, **offsets})
        if (ORGANISATIONS, 0) in offsets and offsets[ORGANISATIONS, 0] == 0:
            self._logs[ORGANISATIONS, 0] = [organisation()]


def organisation() -> Record:
    record = Owner().publish(CITY, "organisation.v1", orjson.dumps({"oin": CITY, "name": "Utrecht"}))
    return Record((ORGANISATIONS, 0), 0, record.named, record.data)


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Profile:
    monkeypatch.setattr(Record, "timestamp", lambda self: (1, self.at), raising=False)
    made = Profile(tmp_path / "profile")
    made.save_system(System(kafka=KafkaAccess(bootstrap="127.0.0.1:1", security_protocol="SASL_PLAINTEXT"), http={}))
    made.save(Credential(name="Utrecht", oin=CITY, username=CITY, password="p", token="t"))
    return made


def sequences(profile: Profile, since: From, monkeypatch: pytest.MonkeyPatch, **more: Any) -> list[int]:
    owner = Owner()
    for number in range(4):
        owner.publish(f"subject-{number}")
        if more.pop("foreign", False):
            owner.append([], b"no event")
    monkeypatch.setattr(tailing, "KafkaLanes", lambda access, credential: Lanes(owner))
    told = tail(profile, CITY, more.pop("names", NameIndex()), since=since, follow=False, **more)
    return [each.event.sequence for each in told if each.event.topic == TOPIC]


def test_tail_from_the_beginning_gives_every_event_and_ends(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sequences(profile, "beginning", monkeypatch) == [1, 2, 3, 4]


def test_tail_from_now_gives_nothing_old(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sequences(profile, "now", monkeypatch) == []


@pytest.mark.parametrize(("types", "number"), [((REGISTERED,), 4), (("nl.samenspel.grant-awarded.v1",), 0)])
def test_tail_of_some_types_leaves_out_the_others(
    profile: Profile, types: tuple[str, ...], number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(sequences(profile, "beginning", monkeypatch, types=types)) == number


def test_tail_knows_the_names_of_organisations(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    names = NameIndex()
    sequences(profile, "now", monkeypatch, names=names)
    assert names.organisation(CITY) == "Utrecht"


@pytest.mark.parametrize("value", [None, b"{"], ids=["tombstone", "no event"])
def test_record_that_is_no_event_is_skipped_with_its_place(
    value: bytes | None, profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, skipped = Owner(), list[str]()
    first = owner.publish("subject-1")
    owner.append(first.named if value is None else [("ce_id", None)], value)  # type: ignore[arg-type, list-item]
    owner.append([], b"")
    owner.publish("subject-2")
    monkeypatch.setattr(tailing, "KafkaLanes", lambda access, credential: Lanes(owner))
    told = tail(profile, CITY, NameIndex(), since="beginning", follow=False, on_unreadable=skipped.append)
    assert [each.event.subject for each in told if each.event.topic == TOPIC] == ["subject-1", "subject-2"]
    assert skipped == [f"{TOPIC}/0/1", f"{TOPIC}/0/2"]
