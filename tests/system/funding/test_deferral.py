"""A submission with a missing aggregate is deferred, and ends as if the aggregate had arrived first."""

import pytest

from tests.support.events import Event, initiative
from tests.support.funding_round import Round, accepted
from tests.support.organisations import Organisation, unique_oin
from tests.support.reading import answers_of, answers_to
from tests.support.submitting import post, send
from tests.support.waiting import eventually

pytestmark = pytest.mark.system


async def test_application_is_deferred_until_its_beneficiary_is_admitted_and_its_decision_after_it(
    round: Round, operator: Organisation
) -> None:
    await accepted(round.rijk, round.opened(1_000))
    early, late = unique_oin(), unique_oin()
    applications = [round.application(400, beneficiary={"name": "Twente", "oin": oin}) for oin in (early, late)]
    await admitted(operator, early)
    await accepted(round.city, applications[0])
    await accepted(round.rijk, round.grant(applications[0]))

    decision = round.grant(applications[1])
    await send(round.city, [applications[1]], "funding")
    answers = await answers_to(round.city, [applications[1]["id"]], "funding")
    answer = answers[applications[1]["id"]]
    assert answer["outcome"] == "deferred"
    assert answer["waits_for"] == {"aggregate": "organisation.v1", "subject": late}
    assert answer["received_at"] < answer["waits_until"]
    deferred = await post(round.rijk, "funding", decision)
    assert deferred.status == 202
    awaited = {"aggregate": "application.v1", "subject": applications[1]["data"]["application_id"]}
    assert deferred.body["waits_for"] == awaited
    await admitted(operator, late)

    await accepted(round.rijk, decision)
    assert await outcomes(round.city, applications[1]) == ["deferred", "accepted"]
    assert await outcomes(round.rijk, decision) == ["deferred", "accepted"]
    ends = [await round.state_of(application) for application in applications]
    assert shape(ends[0]) == shape(ends[1])


async def test_application_is_accepted_before_its_initiative_and_a_grant_may_wait_for_it(round: Round) -> None:
    """Also when the decision comes while the initiative is on its way: the link is looked up in the database."""
    named = initiative()
    await accepted(round.rijk, round.opened(1_000, grant_requires_initiative=True))
    application = round.application(400, initiative_id=named["initiative_id"])
    await accepted(round.city, application)
    assert await outcomes(round.city, application) == ["accepted"]
    assert (await round.state_of(application))["initiative_link"] == "not-registered-yet"

    decision = round.grant(application)
    deferred = await post(round.rijk, "funding", decision)
    assert (deferred.status, deferred.body["waits_for"]["subject"]) == (202, named["initiative_id"])
    answer = await post(round.city, "registry", round.city.event("initiative-registered", named))
    assert answer.outcome == "accepted", answer
    await accepted(round.rijk, decision)
    assert (await round.state_of(application))["initiative_link"] == "registered"


def shape(state: dict[str, object]) -> dict[str, object]:
    """A state without the fields that differ between equally decided applications."""
    own = {"application_id", "beneficiary", "received_at", "decision"}
    return {name: value for name, value in state.items() if name not in own}


async def outcomes(organisation: Organisation, event: Event) -> list[str]:
    """All outcomes of this submission in receipts, after the last arrived; without repeats."""

    async def all_final() -> list[str]:
        found = [answer for answer in await answers_of(organisation, "funding") if answer["id"] == event["id"]]
        said = [answer["outcome"] for answer in found if answer["outcome"] != "repeated"]
        return said if said[-1:] == ["accepted"] else []

    return await eventually(all_final)


async def admitted(operator: Organisation, oin: str) -> None:
    stated = {"oin": oin, "name": f"Stichting {oin[-12:]}", "kind": "network-organisation"}
    assert (await post(operator, "registry", operator.event("organisation-admitted", stated))).outcome == "accepted"
