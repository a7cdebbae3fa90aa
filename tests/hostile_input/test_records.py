"""Hostile records over the wire: each gets problems, and costs other records and organisations nothing.

Each kind is first, second and last in a batch of three. Two other organisations send meanwhile, with topics sorted
before and after the hostile topic.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from samenspel.contracts.topics import ingress

from deploy.local.system import LocalSystem
from tests.hostile_input.records import KINDS, Kind
from tests.support.database import rows
from tests.support.events import Event, binary, initiative
from tests.support.organisations import Organisation, admit
from tests.support.reading import answers_of
from tests.support.record_batches import batch_of, raw, sender
from tests.support.submitting import send
from tests.support.waiting import eventually

PLACES = 3
CHANGES = 60
SECONDS = 60


@dataclass(slots=True)
class Outcome:
    """The events and answers: per kind the event and the answer at each position; per innocent organisation the
    answers.
    """

    poison: dict[str, list[tuple[Event, dict[str, Any]]]]
    around: list[dict[str, Any]]
    innocent: list[list[dict[str, Any]]]
    quarantined: dict[int, Any]


@pytest_asyncio.fixture(scope="module")
async def outcome(system: LocalSystem) -> Outcome:
    cities = sorted([await admit(system) for _ in range(3)], key=lambda city: city.oin)
    before, clumsy, behind = cities
    stories = [_story(before), _story(behind)]
    sent, *_ = await asyncio.gather(
        _send_poison(clumsy), *(send(city, story) for city, story in zip((before, behind), stories, strict=True))
    )
    last = max(offset for each in sent for offset in each.offsets)
    given = {_offset(each): each for each in await _answers(clumsy, last + 1)}
    apart = await rows(
        system, "registry", "select * from quarantine where topic = $1", ingress("initiatives", clumsy.oin)
    )
    poison: dict[str, list[tuple[Event, dict[str, Any]]]] = {}
    for each in sent:
        poison.setdefault(each.kind.name, []).append((each.event, given.pop(each.offsets[each.place])))
    innocent = [await _answers(city, len(story)) for city, story in zip((before, behind), stories, strict=True)]
    return Outcome(poison, list(given.values()), innocent, {row["offset"]: row for row in apart})


@dataclass(frozen=True, slots=True)
class Sent:
    """A batch of three with a hostile record at this position, and the offsets of the records."""

    kind: Kind
    event: Event
    place: int
    offsets: Sequence[int]


async def _send_poison(city: Organisation) -> list[Sent]:
    sent = []
    async with sender(city.kafka, ingress("initiatives", city.oin)) as produce:
        for place in range(PLACES):
            for kind in KINDS:
                records = [raw(*binary(_event(city))) for _ in range(PLACES)]
                event = _event(city)
                records[place] = kind.make(event)
                error, first = await produce(batch_of(records))
                assert error == 0, kind.name
                sent.append(Sent(kind, event, place, range(first, first + PLACES)))
    return sent


def _event(city: Organisation) -> Event:
    return city.event("initiative-registered", initiative())


def _story(city: Organisation) -> list[Event]:
    """An initiative with changes: each names the previous version, so any other order is refused."""
    registered = _event(city)
    subject = registered["data"]["initiative_id"]
    changes = [
        {"initiative_id": subject, "based_on_version": version, "title": f"Versie {version + 1}"}
        for version in range(1, CHANGES)
    ]
    return [registered, *(city.event("initiative-changed", change) for change in changes)]


async def _answers(city: Organisation, number: int) -> list[dict[str, Any]]:
    async def all_answered() -> list[dict[str, Any]]:
        given = await answers_of(city)
        assert len(given) >= number, f"{len(given)} of {number} answered"
        return given

    return await eventually(all_answered, SECONDS)


def _offset(answer: dict[str, Any]) -> int:
    return int(answer["record"].rpartition("/")[2])


def test_corpus_of_records_has_distinct_kinds() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS) >= 150


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_hostile_record_gets_its_codes_at_every_place_in_a_batch(kind: Kind, outcome: Outcome) -> None:
    for event, answer in outcome.poison[kind.name]:
        assert {problem["code"] for problem in answer.get("problems", ())} == kind.told, answer
        assert answer["outcome"] == ("rejected" if kind.told else "accepted")
        if kind.named is not None:
            assert answer["id"] == (event["id"] if kind.named else "")


async def test_unreadable_record_is_quarantined_with_its_raw_bytes(outcome: Outcome) -> None:
    unreadable = {
        _offset(answer): event
        for kind in KINDS
        if "unreadable-record" in kind.told
        for event, answer in outcome.poison[kind.name]
    }
    assert {offset: row["reason"] for offset, row in outcome.quarantined.items()} == dict.fromkeys(
        unreadable, "unreadable-record"
    )
    for offset, event in unreadable.items():
        assert event["id"].encode() in outcome.quarantined[offset]["raw"]


async def test_neighbours_of_a_hostile_record_are_accepted(outcome: Outcome) -> None:
    assert len(outcome.around) == len(KINDS) * PLACES * (PLACES - 1)
    assert {answer["outcome"] for answer in outcome.around} == {"accepted"}


async def test_other_organisations_are_served_completely_and_in_order(outcome: Outcome) -> None:
    for answers in outcome.innocent:
        assert [_offset(answer) for answer in answers] == list(range(CHANGES))
        assert {answer["outcome"] for answer in answers} == {"accepted"}
