"""The law of subsidies, rule by rule (R numbers as in the architecture: Awb title 4.2, Fvw chapter 3)."""

from typing import Any

import orjson
import pytest
from pydantic import ValidationError
from samenspel.contracts.examples import EXAMPLES
from samenspel.contracts.funding import ApplicationDecided, ApplicationSubmitted, ProgrammeOpened
from samenspel.contracts.problems import Rejected
from samenspel.contracts.values import CENTS_MAX, Model

from services.funding.domain import applications, programmes
from services.funding.domain.applications import CaseFile
from tests.funding.cases import (
    CITY,
    NOW,
    OTHER,
    RECEIVED,
    RIJK,
    codes_of,
    decided,
    dossier,
    granting,
    new_id,
    opened,
    organisation,
    programme,
    refusing,
    submitted,
)


def test_r1_what_is_left_follows_from_the_ceiling_and_what_was_granted() -> None:
    decision = decided(granting(100), dossier(granted_cents=250)).decision

    assert decision is not None
    assert (decision.ceiling_cents, decision.room_before_cents, decision.room_after_cents) == (1_000, 750, 650)
    assert (decision.rule, decision.asked_cents, decision.granted_cents) == ("within-ceiling", 100, 100)
    assert decision.recorded_at == NOW


def test_r2_the_last_one_is_granted_in_part() -> None:
    last = decided(granting(100), dossier(granted_cents=960))

    assert last.status == "granted-in-part"
    assert last.decision is not None
    assert (last.decision.rule, last.decision.granted_cents, last.decision.room_after_cents) == (
        "limited-to-ceiling",
        40,
        0,
    )
    assert last.decision.grounds == ("ceiling-exceeded",)


def test_r2_what_fits_to_the_cent_is_granted_whole() -> None:
    assert decided(granting(100), dossier(granted_cents=900)).status == "granted"


def test_r2_one_too_many_is_refused_with_the_ceiling_as_ground() -> None:
    refused = decided(granting(100), dossier(granted_cents=1_000))

    assert refused.status == "refused"
    assert refused.decision is not None
    assert (refused.decision.rule, refused.decision.granted_cents) == ("ceiling-reached", 0)
    assert refused.decision.grounds == ("ceiling-exceeded",)


def test_r2_the_ceiling_is_no_ground_for_refusal_while_there_is_room() -> None:
    with pytest.raises(Rejected) as refusal:
        decided(refusing("ceiling-exceeded"), dossier(granted_cents=999))
    assert codes_of(refusal.value) == [("invalid-field", "/grounds")]

    reached = decided(refusing("ceiling-exceeded"), dossier(granted_cents=1_000))
    assert reached.decision is not None
    assert reached.decision.rule == "ceiling-reached"


def test_r5_ceiling_period_and_method_are_stated_once_and_together() -> None:
    first = programme(distribution_method="order-of-receipt")
    assert (first.distribution_method, first.authority, first.version) == ("order-of-receipt", RIJK, 1)

    with pytest.raises(Rejected) as refusal:
        programmes.open_programme(opened(distribution_method="ranking"), first, RIJK)
    assert codes_of(refusal.value) == [("already-exists", "/programme_id")]


@pytest.mark.parametrize("absent", ["ceiling_cents", "period", "distribution_method", "legal_basis", "instrument"])
def test_r5_no_programme_without(absent: str) -> None:
    stated = {name: value for name, value in EXAMPLES["programme-opened"].items() if name != absent}
    with pytest.raises(ValidationError, match=absent):
        ProgrammeOpened.model_validate(stated, strict=False)


def test_r7_a_grant_states_its_amount() -> None:
    with pytest.raises(Rejected) as refusal:
        decided(granting(None), dossier())
    assert codes_of(refusal.value) == [("missing-field", "/amount_cents")]


def test_r7_nobody_is_granted_more_than_was_requested() -> None:
    with pytest.raises(Rejected) as refusal:
        decided(granting(101), dossier(requested_cents=100))
    assert codes_of(refusal.value) == [("invalid-field", "/amount_cents")]
    assert "at most 100 cents" in refusal.value.problems[0].fix


@pytest.mark.parametrize("amount", [0, -1, 0.5, 100.0, "100", True, CENTS_MAX + 1])
@pytest.mark.parametrize(
    ("model", "fact", "name"),
    [
        (ProgrammeOpened, "programme-opened", "ceiling_cents"),
        (ApplicationSubmitted, "application-submitted", "requested_cents"),
        (ApplicationDecided, "application-decided", "amount_cents"),
    ],
)
def test_r21_money_is_whole_cents(model: type[Model], fact: str, name: str, amount: Any) -> None:
    with pytest.raises(ValidationError, match=name):
        model.model_validate_json(orjson.dumps({**EXAMPLES[fact], name: amount}))


def test_r22_a_decision_stands() -> None:
    waiting = dossier()
    first = decided(granting(100), waiting)

    with pytest.raises(Rejected) as refusal:
        decided(granting(50), CaseFile(waiting.programme, first, None, 100))
    assert codes_of(refusal.value) == [("already-decided", "/application_id")]


def test_the_authority_grants_less_than_requested_within_the_ceiling() -> None:
    less = decided(granting(60, grounds=["provision-not-met"]), dossier(requested_cents=100))

    assert less.status == "granted-in-part"
    assert less.decision is not None
    assert (less.decision.rule, less.decision.grounds) == ("within-ceiling", ("provision-not-met",))


def test_what_the_authority_and_the_ceiling_leave_off_have_each_their_ground() -> None:
    less = decided(granting(60, grounds=["provision-not-met"]), dossier(requested_cents=100, granted_cents=970))

    assert less.decision is not None
    assert (less.decision.asked_cents, less.decision.granted_cents) == (60, 30)
    assert less.decision.grounds == ("provision-not-met", "ceiling-exceeded")


def test_a_refusal_takes_nothing_from_the_ceiling() -> None:
    refused = decided(refusing("insolvency", "insolvency", explanation="Surseance."), dossier(granted_cents=10))

    assert (refused.status, refused.version) == ("refused", 2)
    assert refused.decision is not None
    assert (refused.decision.rule, refused.decision.asked_cents) == ("refused-by-authority", 0)
    assert refused.decision.room_before_cents == refused.decision.room_after_cents == 990
    assert (refused.decision.grounds, refused.decision.explanation) == (("insolvency",), "Surseance.")


@pytest.mark.parametrize(
    ("stated", "problems"),
    [
        (refusing(), [("missing-field", "/grounds")]),
        (refusing("insolvency", amount_cents=5), [("invalid-field", "/amount_cents")]),
        (granting(100, grounds=["insolvency"]), [("invalid-field", "/grounds")]),
        (refusing(amount_cents=500), [("invalid-field", "/amount_cents"), ("missing-field", "/grounds")]),
    ],
)
def test_all_contradictions_at_once(stated: ApplicationDecided, problems: list[tuple[str, str]]) -> None:
    with pytest.raises(Rejected) as refusal:
        decided(stated, dossier(requested_cents=100))
    assert codes_of(refusal.value) == problems


@pytest.mark.parametrize("by", [OTHER, CITY])
def test_only_the_authority_of_the_programme_decides(by: str) -> None:
    with pytest.raises(Rejected) as refusal:
        decided(granting(100), dossier(), by)
    assert codes_of(refusal.value) == [("not-permitted", "/")]


def test_only_a_grant_authority_opens_programmes() -> None:
    programmes.require_grant_authority(organisation(RIJK, "grant-authority"))
    with pytest.raises(Rejected) as refusal:
        programmes.require_grant_authority(organisation(CITY, "operator"))
    assert codes_of(refusal.value) == [("not-permitted", "type")]


def test_an_application_is_decided_in_its_own_programme_only() -> None:
    there = dossier()
    elsewhere = programme(programme_id=new_id())

    with pytest.raises(Rejected) as refusal:
        decided(
            granting(100, programme_id=elsewhere.programme_id),
            CaseFile(elsewhere, there.application, there.plan),
        )
    assert codes_of(refusal.value) == [("unknown-application", "/application_id")]


def test_what_nobody_knows_is_not_decided() -> None:
    with pytest.raises(Rejected) as no_programme:
        decided(granting(100), CaseFile(None, None))
    with pytest.raises(Rejected) as no_application:
        decided(granting(100), CaseFile(programme(), None))

    assert codes_of(no_programme.value) == [("unknown-programme", "/programme_id")]
    assert codes_of(no_application.value) == [("unknown-application", "/application_id")]


def test_an_application_names_a_programme_that_is_there_and_an_id_that_is_not() -> None:
    with pytest.raises(Rejected) as refusal:
        applications.apply(submitted(), CaseFile(None, dossier().application), CITY, RECEIVED)
    assert codes_of(refusal.value) == [("unknown-programme", "/programme_id"), ("already-exists", "/application_id")]


def test_a_plan_is_public_from_the_decision_on_and_not_before() -> None:
    waiting = dossier(requested_cents=100)
    assert waiting.application is not None
    shown = waiting.application.model_dump(exclude_none=True)
    assert shown.keys() == {"application_id", "programme_id", "applicant", "received_at", "status", "version"}
    assert (shown["received_at"], shown["status"]) == (RECEIVED, "submitted")

    public = decided(refusing("insolvency"), waiting)
    assert (public.requested_cents, public.activity) == (100, "Regio Deal Twente")


def test_the_article_is_that_of_the_instrument() -> None:
    def article(instrument: str, granted_cents: int = 960) -> str:
        decision = decided(granting(100), dossier(instrument=instrument, granted_cents=granted_cents)).decision
        assert decision is not None
        return decision.article

    assert article("subsidie") == "Awb 4:25 lid 2"
    assert article("subsidie", granted_cents=0) == "Awb 4:31 lid 1"
    assert article("bijdrage-convenant") == "ceiling of the covenant itself"
    for elsewhere in ("specifieke-uitkering", "decentralisatie-uitkering"):
        assert "uitkeringsplafond" in article(elsewhere)
        assert "Awb 4:21 lid 3" in article(elsewhere)


def test_a_refusal_rests_on_the_article_of_each_ground() -> None:
    refused = decided(refusing("no-proper-account", "incorrect-information"), dossier(instrument="subsidie"))

    assert refused.decision is not None
    assert refused.decision.article == "Awb 4:35 lid 1 onder c; Awb 4:35 lid 2 onder a"
