"""Submissions on the real system: repeats over both entry points, whole batches, complete receipts."""

from typing import Any

import orjson
from samenspel.contracts.topics import INITIATIVES

from tests.conftest import Admit
from tests.support.events import initiative
from tests.support.organisations import Organisation
from tests.support.reading import answers_of, answers_to, canonical, receipt_records
from tests.support.submitting import post, post_batch, post_raw, send
from tests.support.waiting import eventually

RECEIPT_MAX = 64_000


async def _facts_of(city: Organisation) -> list[str]:
    """The submissions with an event, once per event."""
    wanted = f"urn:nld:oin:{city.oin}".encode()
    headers = [dict(record.headers) for record in await canonical(city, INITIATIVES)]
    return [each["ce_submissionid"].decode() for each in headers if each["ce_authid"] == wanted]


async def _answers(city: Organisation, number: int) -> list[dict[str, Any]]:
    """All answers, as soon as there are so many."""

    async def enough() -> list[dict[str, Any]]:
        given = await answers_of(city)
        assert len(given) >= number, f"{len(given)} of {number} answers"
        return given

    return await eventually(enough)


async def test_same_event_over_kafka_and_http_is_decided_once(organisation: Admit) -> None:
    city = await organisation()
    event = city.event("initiative-registered", initiative())
    first = await post(city, "registry", event)
    await send(city, [event, event])
    again = await post(city, "registry", event)
    assert (first.outcome, again.outcome) == ("accepted", "repeated")
    assert again.body["first_outcome"] == "accepted"
    assert again.body["events"] == first.body["events"]
    answers = await _answers(city, 4)
    assert sorted(answer["outcome"] for answer in answers) == ["accepted", "repeated", "repeated", "repeated"]
    await eventually(lambda: _facts_of(city))  # a receipt may precede its event in Kafka
    assert await _facts_of(city) == [event["id"]]


async def test_same_event_in_another_spelling_is_repeated(organisation: Admit) -> None:
    city = await organisation()
    event = city.event("initiative-registered", initiative())
    await post(city, "registry", event)
    turned = {**event, "data": dict(reversed(event["data"].items()))}
    assert (await post(city, "registry", turned)).outcome == "repeated"


async def test_same_id_of_another_organisation_is_another_submission(organisation: Admit) -> None:
    """Two organisations may use the same id; neither hears of the other."""
    one, other = await organisation(), await organisation()
    event = one.event("initiative-registered", initiative())
    theirs = other.event("initiative-registered", initiative(), id=event["id"])
    assert (await post(one, "registry", event)).outcome == "accepted"
    assert (await post(other, "registry", theirs)).outcome == "accepted"


async def test_refusal_is_repeated_like_an_acceptance(organisation: Admit) -> None:
    city = await organisation()
    event = city.event("initiative-changed", {"initiative_id": initiative()["initiative_id"], "based_on_version": 1})
    first, again = await post(city, "registry", event), await post(city, "registry", event)
    assert first.codes == again.codes == {"unknown-initiative"}
    assert first.status == again.status


async def test_submissions_of_several_organisations_in_a_batch_are_independent(organisation: Admit) -> None:
    one, clumsy, other = [await organisation() for _ in range(3)]
    good = {city.oin: [city.event("initiative-registered", initiative()) for _ in range(20)] for city in (one, other)}
    bad = [clumsy.event("initiative-registered", initiative(theme="war")) for _ in range(20)]
    for city in (one, other):
        await send(city, good[city.oin])
    await send(clumsy, bad)
    for city in (one, other):
        answers = await answers_to(city, [event["id"] for event in good[city.oin]])
        assert {answer["outcome"] for answer in answers.values()} == {"accepted"}
        assert len(await answers_of(city)) == 20
    refused = await answers_to(clumsy, [event["id"] for event in bad])
    assert {answer["outcome"] for answer in refused.values()} == {"rejected"}


async def test_receipts_cover_every_submission_within_their_size(organisation: Admit) -> None:
    """As few records of at most 64,000 bytes as fit, headers included, in the order of the submissions."""
    city = await organisation()
    events = [city.event("initiative-registered", initiative(summary="")) for _ in range(400)]
    given = await post_batch(city, "registry", events)
    answers = await _answers(city, 400)
    assert answers == given
    assert [answer["id"] for answer in answers] == [event["id"] for event in events]
    records = await receipt_records(city)
    sizes = [len(record.value) + sum(len(name) + len(value) for name, value in record.headers) for record in records]
    assert max(sizes) <= RECEIPT_MAX
    assert len(records) <= sum(len(orjson.dumps(answer)) + 1 for answer in answers) // 55_000 + 1


async def test_changes_in_one_batch_see_each_other(organisation: Admit) -> None:
    city = await organisation()
    stated = initiative()
    changes = [
        city.event(
            "initiative-changed",
            {"initiative_id": stated["initiative_id"], "based_on_version": version, "title": f"Versie {version}"},
        )
        for version in (1, 2, 2, 3)
    ]
    answers = await post_batch(city, "registry", [city.event("initiative-registered", stated), *changes])
    assert [answer["outcome"] for answer in answers] == ["accepted", "accepted", "accepted", "rejected", "accepted"]
    assert answers[3]["problems"][0]["code"] == "stale-version"


async def test_state_too_large_for_an_event_is_refused(organisation: Admit) -> None:
    """A rollout grows milestone by milestone until the state exceeds an event."""
    city = await organisation()
    stated = initiative()
    rollout = {"initiative_id": stated["initiative_id"], "rollout_id": initiative()["initiative_id"]}
    begin = [city.event("initiative-registered", stated), city.event("rollout-started", rollout)]
    planned = [
        city.event(
            "rollout-milestone-planned",
            {**rollout, "milestone": f"m{number}", "title": "🏗" * 200, "planned_on": "2027-01-01"},
        )
        for number in range(90)
    ]
    answers = await post_batch(city, "registry", [*begin, *planned])
    outcomes = [answer["outcome"] for answer in answers]
    fitting = outcomes.count("accepted")
    assert outcomes == ["accepted"] * fitting + ["rejected"] * (len(outcomes) - fitting)
    assert {problem["code"] for problem in answers[-1]["problems"]} == {"state-too-large"}
    assert max(len(record.value) for record in await canonical(city, INITIATIVES)) <= RECEIPT_MAX


async def test_submission_for_another_organisation_is_refused(organisation: Admit) -> None:
    """Without a token, or with another's, nothing is taken."""
    one, other = await organisation(), await organisation()
    event = one.event("initiative-registered", initiative())
    assert (await post(other, "registry", event)).codes == {"source-mismatch"}
    assert (await post(other, "registry", event)).status == 403
    unknown = await post_raw(one, "registry", orjson.dumps(event), {"authorization": "Bearer x.y.z"})
    assert unknown.status == 401
