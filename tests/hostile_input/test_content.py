"""Hostile content over the wire: the same problems in all four encodings, and valid events nearby are accepted."""

from collections.abc import Sequence
from typing import Any

import orjson
import pytest
import pytest_asyncio

from deploy.local.system import LocalSystem
from tests.hostile_input.content import CONTENT, Case, Scene
from tests.hostile_input.decided import DECIDED
from tests.hostile_input.encodings import http_binary, http_structured, kafka_binary, kafka_structured
from tests.support.events import Event, binary, initiative
from tests.support.organisations import Organisation, admit
from tests.support.reading import answers_of
from tests.support.submitting import Answer, Record, post, post_raw, send_raw
from tests.support.waiting import eventually

CASES = [*(case for case in CONTENT if case.domain == "initiatives"), *DECIDED]
EMBEDDABLE = [case for case in CASES if case.embeddable]


@pytest_asyncio.fixture(scope="module")
async def city(system: LocalSystem) -> Organisation:
    return await admit(system)


@pytest_asyncio.fixture(scope="module")
async def scene(system: LocalSystem, city: Organisation) -> Scene:
    neighbour = await admit(system)
    own, foreign = initiative(), initiative()
    change = {"initiative_id": own["initiative_id"], "based_on_version": 1, "title": "Beter"}
    first = city.event("initiative-registered", own)
    for organisation, event in (
        (city, first),
        (city, city.event("initiative-changed", change)),
        (neighbour, neighbour.event("initiative-registered", foreign)),
    ):
        assert (await post(organisation, "registry", event)).outcome == "accepted"
    return Scene(city.source, own["initiative_id"], foreign["initiative_id"], first["id"])


@pytest_asyncio.fixture(scope="module")
async def answers(city: Organisation, scene: Scene) -> dict[str, dict[str, Any]]:
    """The receipts of all cases, sent over Kafka at once in both modes, each after a valid event."""
    records: list[Record] = []
    names: list[str] = []
    for mode, cases in ((kafka_binary, CASES), (kafka_structured, EMBEDDABLE)):
        for case in cases:
            records += [_good(city), mode(case, scene)]
            names += [f"good before {case.name}", f"{mode.__name__} {case.name}"]
    start = len(await answers_of(city))
    await send_raw(city, [*records, _good(city)])

    async def all_answered() -> list[dict[str, Any]]:
        given = [answer for answer in (await answers_of(city))[start:] if answer["record"] != "http"]
        assert len(given) == len(records) + 1, f"{len(given)} of {len(records) + 1} answered"
        return given

    given = await eventually(all_answered)
    return dict(zip([*names, "the last good one"], given, strict=True))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_hostile_content_over_kafka_in_binary_mode_gets_its_problems(
    case: Case, answers: dict[str, dict[str, Any]]
) -> None:
    _is_refused(case, answers[f"kafka_binary {case.name}"])


@pytest.mark.parametrize("case", EMBEDDABLE, ids=lambda case: case.name)
async def test_hostile_content_over_kafka_in_structured_mode_gets_its_problems(
    case: Case, answers: dict[str, dict[str, Any]]
) -> None:
    _is_refused(case, answers[f"kafka_structured {case.name}"])


async def test_good_events_around_hostile_ones_are_accepted(answers: dict[str, dict[str, Any]]) -> None:
    good = {name: answer["outcome"] for name, answer in answers.items() if "good" in name}
    assert set(good.values()) == {"accepted"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_hostile_content_over_http_in_binary_mode_gets_its_problems(
    case: Case, city: Organisation, scene: Scene
) -> None:
    headers, body = http_binary(case, scene)
    answer = await post_raw(city, "registry", body, headers)
    _is_problem(case, answer)


@pytest.mark.parametrize("case", EMBEDDABLE, ids=lambda case: case.name)
async def test_hostile_content_over_http_in_structured_mode_gets_its_problems(
    case: Case, city: Organisation, scene: Scene
) -> None:
    headers, body = http_structured(case, scene)
    answer = await post_raw(city, "registry", body, headers)
    _is_problem(case, answer)


async def test_good_events_in_a_batch_with_a_bad_one_are_accepted(city: Organisation, scene: Scene) -> None:
    """Several events in a request form a transaction; an invalid event costs the others nothing."""
    bad = city.event("initiative-registered", initiative(title=""))
    events: Sequence[Event] = [_event(city), bad, _event(city)]
    answer = await post_raw(
        city, "registry", orjson.dumps(events), {"content-type": "application/cloudevents-batch+json"}
    )
    assert [each["outcome"] for each in answer.body] == ["accepted", "rejected", "accepted"]


def _is_problem(case: Case, answer: Answer) -> None:
    assert 400 <= answer.status < 500, answer
    assert answer.body["status"] == answer.status
    _is_refused(case, {"outcome": "rejected", "problems": answer.problems})


def _is_refused(case: Case, answer: dict[str, Any]) -> None:
    assert answer["outcome"] == "rejected", answer
    assert {(problem["code"], problem["field"]) for problem in answer["problems"]} == case.problems
    for problem in answer["problems"]:
        assert problem["detail"] and problem["fix"]


def _event(city: Organisation) -> Event:
    return city.event("initiative-registered", initiative())


def _good(city: Organisation) -> Record:
    return binary(_event(city))
