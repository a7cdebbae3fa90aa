"""Deferral and refusal: a missing aggregate is checked last, so nothing is deferred in vain."""

from collections import Counter

import pytest
from samenspel.contracts.catalogue import INITIATIVE, ORGANISATION, type_name
from samenspel.contracts.funding import Application, ApplicationPlan
from samenspel.contracts.problems import AggregateNotArrived, Rejected
from samenspel.contracts.submissions import Submission
from samenspel.messaging.decisions.state import AggregateChange

from services.funding.handlers import FundingDecider, Grants
from tests.support.funding_cases import (
    CITY,
    NOW,
    OTHER,
    RIJK,
    MemoryProcessor,
    codes_of,
    granting,
    initiative,
    new_id,
    opened,
    organisation,
    refusing,
    submission,
    submitted,
)

AUTHORITY = organisation(RIJK, "grant-authority")
APPLICANT = organisation(CITY)


@pytest.fixture
def processor() -> MemoryProcessor:
    """A processor with the open programme of the examples."""
    processor = MemoryProcessor([AUTHORITY, APPLICANT])
    processor.settle(open_it())
    return processor


def open_it(by: str = RIJK) -> Submission:
    return submission("programme-opened", opened(1_000), by)


def missing(outcome: object) -> tuple[str, str]:
    assert isinstance(outcome, AggregateNotArrived), outcome
    return outcome.aggregate, outcome.subject


def refused(outcome: object) -> list[tuple[str, str]]:
    assert isinstance(outcome, Rejected), outcome
    return codes_of(outcome)


def test_programme_is_deferred_until_its_authority_is_known() -> None:
    processor = MemoryProcessor()
    assert missing(processor.settle(open_it())[0]) == (ORGANISATION.name, RIJK)

    processor.known = [AUTHORITY]
    (change,) = processor.settle(open_it())
    assert isinstance(change, AggregateChange)
    assert change.event_type.name == type_name("programme-opened")


def test_submission_wrong_in_itself_is_refused_before_any_deferral(processor: MemoryProcessor) -> None:
    processor.known = []

    assert refused(processor.settle(open_it(OTHER))[0]) == [("already-exists", "/programme_id")]
    elsewhere = submitted(programme_id=new_id(), initiative_id=new_id())
    assert refused(processor.settle(submission("application-submitted", elsewhere, OTHER))[0]) == [
        ("unknown-programme", "/programme_id")
    ]


def test_application_is_deferred_until_the_named_organisations_are_known(processor: MemoryProcessor) -> None:
    stated = submitted(initiative_id=new_id(), beneficiary={"name": "Regio", "oin": OTHER})
    application = submission("application-submitted", stated, CITY)

    processor.known = []
    assert missing(processor.settle(application)[0]) == (ORGANISATION.name, CITY)
    processor.known = [APPLICANT]
    assert missing(processor.settle(application)[0]) == (ORGANISATION.name, OTHER)
    processor.known = [APPLICANT, organisation(OTHER)]
    (change,) = processor.settle(application)
    assert isinstance(change, AggregateChange)
    assert isinstance(change.private, ApplicationPlan)
    assert change.private.initiative_id == stated.initiative_id


def application_of(outcome: object) -> Application:
    assert isinstance(outcome, AggregateChange) and isinstance(outcome.state, Application), outcome
    return outcome.state


@pytest.mark.parametrize(("registered", "link"), [(False, "not-registered-yet"), (True, "registered")])
def test_application_is_accepted_before_its_initiative_is_registered(
    processor: MemoryProcessor, registered: bool, link: str
) -> None:
    """With its moment of receipt. Which initiative it is, stays private until the decision."""
    named = new_id()
    processor.known = [APPLICANT, *([initiative(named)] if registered else [])]
    application = submission("application-submitted", submitted(100, initiative_id=named), CITY)
    state = application_of(processor.settle(application)[0])
    assert (state.initiative_link, state.initiative_id, state.received_at) == (link, None, application.received_at)


def test_application_without_an_initiative_has_no_link(processor: MemoryProcessor) -> None:
    stated = submitted(100, initiative_id=None)
    assert (
        application_of(processor.settle(submission("application-submitted", stated, CITY))[0]).initiative_link is None
    )


@pytest.mark.parametrize("is_required", [False, True])
def test_grant_may_require_the_initiative(is_required: bool) -> None:
    named = new_id()
    processor = MemoryProcessor([AUTHORITY, APPLICANT])
    programme = opened(1_000, grant_requires_initiative=is_required)
    processor.settle(
        submission("programme-opened", programme, RIJK),
        submission("application-submitted", submitted(100, initiative_id=named), CITY),
    )
    decision = submission("application-decided", granting(100), RIJK)
    (outcome,) = processor.settle(decision)
    if is_required:
        assert missing(outcome) == (INITIATIVE.name, named)
        processor.known = [AUTHORITY, APPLICANT, initiative(named)]
        (outcome,) = processor.settle(decision)
    state = application_of(outcome)
    assert (state.status, state.initiative_id) == ("granted", named)
    assert state.initiative_link == ("registered" if is_required else "not-registered-yet")


def test_refusal_requires_no_initiative() -> None:
    processor = MemoryProcessor([AUTHORITY, APPLICANT])
    processor.settle(
        submission("programme-opened", opened(1_000, grant_requires_initiative=True), RIJK),
        submission("application-submitted", submitted(100, initiative_id=new_id()), CITY),
    )
    (outcome,) = processor.settle(submission("application-decided", refusing("provision-not-met"), RIJK))
    assert application_of(outcome).status == "refused"


def test_application_names_an_initiative_where_grants_require_one() -> None:
    processor = MemoryProcessor([AUTHORITY, APPLICANT])
    processor.settle(submission("programme-opened", opened(1_000, grant_requires_initiative=True), RIJK))
    application = submission("application-submitted", submitted(100, initiative_id=None), CITY)
    assert refused(processor.settle(application)[0]) == [("missing-field", "/initiative_id")]


def test_decision_drops_the_private_part_and_is_never_deferred(processor: MemoryProcessor) -> None:
    processor.settle(submission("application-submitted", submitted(100), CITY))
    processor.known = []

    (change,) = processor.settle(submission("application-decided", granting(100), RIJK))
    assert isinstance(change, AggregateChange)
    assert change.private is None
    assert change.event_type.name == type_name("grant-awarded")
    assert processor.own[change.ref].private is None


@pytest.mark.parametrize(
    ("ceiling", "amount", "fact"),
    [
        (1_000, 100, "grant-awarded"),
        (1_000, 60, "grant-awarded-in-part"),
        (40, 100, "grant-awarded-in-part"),
    ],
)
def test_event_type_depends_on_the_decision(ceiling: int, amount: int, fact: str) -> None:
    processor = MemoryProcessor([AUTHORITY, APPLICANT])
    *_, change = processor.settle(
        submission("programme-opened", opened(ceiling), RIJK),
        submission("application-submitted", submitted(100), CITY),
        submission("application-decided", granting(amount), RIJK),
    )

    assert isinstance(change, AggregateChange)
    assert change.event_type.name == type_name(fact)


def test_rejected_decision_takes_no_budget(processor: MemoryProcessor) -> None:
    too_much, fits = decisions_on_two(processor, 901, 900)

    rejected, change = processor.settle(too_much, fits)
    assert refused(rejected) == [("invalid-field", "/amount_cents")]
    assert status_after(change) == "granted"


def test_decision_too_large_to_publish_takes_no_budget(processor: MemoryProcessor) -> None:
    """The processor leaves out a change too large for an event, after the decision."""
    one, other = decisions_on_two(processor, 900, 900)
    known = processor.state()

    assert status_after(*FundingDecider().decide(one, known, NOW)) == "granted"
    assert status_after(*FundingDecider().decide(other, known, NOW)) == "granted"


def decisions_on_two(processor: MemoryProcessor, *amounts: int) -> list[Submission]:
    """Grants of these amounts on applications for 900 each, in a programme of 1,000."""
    names = [new_id() for _ in amounts]
    processor.settle(
        *(submission("application-submitted", submitted(900, application_id=name), CITY) for name in names),
    )
    return [
        submission("application-decided", granting(amount, application_id=name), RIJK)
        for name, amount in zip(names, amounts, strict=True)
    ]


def status_after(outcome: object) -> str:
    assert isinstance(outcome, AggregateChange) and isinstance(outcome.state, Application), outcome
    return outcome.state.status


def test_grants_count_each_change_once(processor: MemoryProcessor) -> None:
    processor.settle(submission("application-submitted", submitted(100), CITY))
    (change,) = processor.settle(submission("application-decided", granting(100), RIJK))
    assert isinstance(change, AggregateChange)
    grants = Grants(Counter({change.key: 5}))

    assert [grants.after(changes)[change.key] for changes in ([], [change], [change], [change, change])] == [
        5,
        105,
        105,
        205,
    ]
