"""Two entry points, two modes, any spelling: one statement is one submission, with one content hash."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from samenspel.contracts.catalogue import SUBMISSIONS, SubmissionType
from samenspel.contracts.cloudevents import Envelope, from_http, from_kafka
from samenspel.contracts.media_types import BATCH, STRUCTURED
from samenspel.contracts.submissions import Submission, read_submission

OIN = "00000099000000000344"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

kinds = st.sampled_from(list(SUBMISSIONS.values()))
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=60)


@st.composite
def events(draw: st.DrawFn) -> tuple[SubmissionType, dict[str, str]]:
    """A type, and valid attributes for this type."""
    kind = draw(kinds)
    attributes = {
        "specversion": "1.0",
        "id": draw(texts),
        "source": f"urn:nld:oin:{OIN}:systeem:zaaksysteem",
        "type": kind.name,
    }
    optional = {
        "time": st.sampled_from(["2026-11-24T10:00:00Z", "2026-11-24T11:00:00.123456+01:00"]),
        "subject": st.just(str(kind.example[kind.subject_field])),
        "correlationid": texts,
        "traceparent": st.just(TRACE),
        "partitionkey": texts,
    }
    for name, strategy in optional.items():
        if draw(st.booleans()):
            attributes[name] = draw(strategy)
    return kind, attributes


def spelled(data: Any, chance: Random) -> bytes:
    """The data as JSON: members in another order, with other spaces and escapes."""
    members = list(data.items())
    chance.shuffle(members)
    text = json.dumps(dict(members), ensure_ascii=chance.random() < 0.5, indent=chance.choice([None, 1]))
    return text.encode()


def over_kafka(attributes: dict[str, str], data: bytes) -> Envelope:
    headers = [(f"ce_{name}", value.encode()) for name, value in attributes.items()]
    return from_kafka([*headers, ("content-type", b"application/json; charset=utf-8")], data)


def structured(attributes: dict[str, str], data: bytes) -> bytes:
    members = json.dumps(attributes).encode()
    return members[:-1] + b', "data": ' + data + b"}"


def over_http(attributes: dict[str, str], data: bytes) -> Envelope:
    headers = {f"ce-{name}": quote(value) for name, value in attributes.items()}
    return with_headers({**headers, "content-type": "application/json"}, data)


def with_headers(headers: dict[str, str], body: bytes) -> Envelope:
    [envelope] = from_http([(name.encode(), value.encode()) for name, value in headers.items()], body).envelopes
    return envelope


def by_every_way(attributes: dict[str, str], data: Any, chance: Random) -> list[Envelope]:
    return [
        over_kafka(attributes, spelled(data, chance)),
        from_kafka(
            [("content-type", b"application/cloudevents+json; charset=UTF-8")],
            structured(attributes, spelled(data, chance)),
        ),
        over_http(attributes, spelled(data, chance)),
        with_headers({"content-type": STRUCTURED}, structured(attributes, spelled(data, chance))),
        with_headers({"content-type": BATCH}, b"[" + structured(attributes, spelled(data, chance)) + b"]"),
    ]


def read(envelope: Envelope) -> Submission:
    return read_submission(envelope, OIN, SUBMISSIONS, NOON, "")


@given(events(), st.randoms(use_true_random=False))
def test_every_encoding_gives_the_same_submission(
    event: tuple[SubmissionType, dict[str, str]], chance: Random
) -> None:
    kind, attributes = event
    first, *others = [read(envelope) for envelope in by_every_way(attributes, kind.example, chance)]
    assert all(other == first for other in others)
    assert first.subject == kind.example[kind.subject_field]
    assert first.key == kind.example[kind.key_field]
    assert (first.id, first.correlationid) == (attributes["id"], attributes.get("correlationid", ""))


@given(kinds, kinds)
def test_different_submissions_have_different_hashes(one: SubmissionType, other: SubmissionType) -> None:
    made = [read(over_kafka(attributes_of(kind), json.dumps(kind.example).encode())).hash for kind in (one, other)]
    assert (made[0] == made[1]) is (one is other)


def test_hash_covers_type_and_data_only() -> None:
    kind = SUBMISSIONS["nl.samenspel.initiative-registered.v1"]
    data = json.dumps(kind.example).encode()
    first = read(over_kafka(attributes_of(kind), data))
    again = read(over_kafka({**attributes_of(kind), "id": "another", "time": "2026-01-01T00:00:00Z"}, data))
    changed = read(over_kafka(attributes_of(kind), json.dumps({**kind.example, "title": "Anders"}).encode()))
    assert again == replace(first, id="another")
    assert again.hash == first.hash != changed.hash


def attributes_of(kind: SubmissionType) -> dict[str, str]:
    return {"specversion": "1.0", "id": "1", "source": f"urn:nld:oin:{OIN}", "type": kind.name}


@pytest.mark.parametrize(
    ("received_at", "day"),
    [
        (datetime(2026, 11, 24, 22, 59, tzinfo=UTC), "2026-11-24"),
        (datetime(2026, 11, 24, 23, 0, tzinfo=UTC), "2026-11-25"),
        (datetime(2026, 7, 1, 21, 59, tzinfo=UTC), "2026-07-01"),
        (datetime(2026, 7, 1, 22, 0, tzinfo=UTC), "2026-07-02"),
    ],
    ids=["winter, before midnight", "winter, midnight", "summer, before midnight", "summer, midnight"],
)
def test_day_of_receipt_is_that_of_the_netherlands(received_at: datetime, day: str) -> None:
    kind = SUBMISSIONS["nl.samenspel.initiative-registered.v1"]
    stated = read(over_kafka(attributes_of(kind), json.dumps(kind.example).encode()))
    assert str(replace(stated, received_at=received_at).received_on) == day
