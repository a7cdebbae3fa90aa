"""A submission with a missing aggregate is deferred, and ends as if the aggregate had arrived first."""

import pytest

from tests.support.events import Event, initiative
from tests.support.funding_round import Round, accepted
from tests.support.organisations import Organisation, unique_oin
from tests.support.reading import answers_of, answers_to
from tests.support.submitting import post, send
from tests.support.waiting import eventually

pytestmark = pytest.mark.system


async def test_application_is_deferred_until_its_initiative_arrives_and_its_decision_after_it(round: Round) -> None:
    await accepted(round.rijk, round.opened(1_000))
    early, late = initiative(), initiative()
    applications = [round.application(400, initiative_id=each["initiative_id"]) for each in (early, late)]
    await accepted_initiative(round.city, early)
    await accepted(round.city, applications[0])
    await accepted(round.rijk, round.grant(applications[0]))

    decision = round.grant(applications[1])
    await send(round.city, [applications[1]], "funding")
    answers = await answers_to(round.city, [applications[1]["id"]], "funding")
    assert answers[applications[1]["id"]]["outcome"] == "deferred"
    assert (await post(round.rijk, "funding", decision)).status == 202
    await accepted_initiative(round.city, late)

    await accepted(round.rijk, decision)
    assert await outcomes(round.city, applications[1]) == ["deferred", "accepted"]
    assert await outcomes(round.rijk, decision) == ["deferred", "accepted"]
    ends = [await round.state_of(application) for application in applications]
    assert shape(ends[0]) == shape(ends[1])


def shape(state: dict[str, object]) -> dict[str, object]:
    """A state without the fields that differ between equally decided applications."""
    own = {"application_id", "initiative_id", "received_at", "decision"}
    return {name: value for name, value in state.items() if name not in own}


async def outcomes(organisation: Organisation, event: Event) -> list[str]:
    """All outcomes of this submission in receipts, after the last arrived; without repeats."""

    async def all_final() -> list[str]:
        found = [answer for answer in await answers_of(organisation, "funding") if answer["id"] == event["id"]]
        said = [answer["outcome"] for answer in found if answer["outcome"] != "repeated"]
        return said if said[-1:] == ["accepted"] else []

    return await eventually(all_final)


async def accepted_initiative(lead: Organisation, data: Event) -> None:
    answer = await post(lead, "registry", lead.event("initiative-registered", data))
    assert answer.outcome == "accepted", answer


async def test_application_is_deferred_until_its_beneficiary_is_admitted(
    round: Round, operator: Organisation
) -> None:
    await accepted(round.rijk, round.opened(1_000))
    oin = unique_oin()
    application = round.application(5, beneficiary={"name": "Stichting Twente", "oin": oin})
    answer = await post(round.city, "funding", application)
    assert answer.status == 202, answer

    stated = {"oin": oin, "name": "Stichting Twente", "kind": "network-organisation"}
    assert (await post(operator, "registry", operator.event("organisation-admitted", stated))).outcome == "accepted"

    await accepted(round.city, application)
