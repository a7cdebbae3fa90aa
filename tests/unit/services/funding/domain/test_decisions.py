"""Decisions on applications: R7, R22, permissions and contradictions (Awb title 4.2, Fvw chapter 3)."""

import pytest
from samenspel.contracts.funding import ApplicationDecided
from samenspel.contracts.problems import Rejected

from services.funding.domain.applications import CaseFile
from tests.support.funding_cases import CITY, OTHER, codes_of, decided, dossier, granting, new_id, programme, refusing


def test_r7_grant_without_an_amount_is_refused() -> None:
    with pytest.raises(Rejected) as refusal:
        decided(granting(None), dossier())
    assert codes_of(refusal.value) == [("missing-field", "/amount_cents")]


def test_r7_grant_above_the_requested_amount_is_refused() -> None:
    with pytest.raises(Rejected) as refusal:
        decided(granting(101), dossier(requested_cents=100))
    assert codes_of(refusal.value) == [("invalid-field", "/amount_cents")]
    assert "at most 100 cents" in refusal.value.problems[0].fix


def test_r22_second_decision_on_an_application_is_refused() -> None:
    waiting = dossier()
    first = decided(granting(100), waiting)

    with pytest.raises(Rejected) as refusal:
        decided(granting(50), CaseFile(waiting.programme, first, None, 100))
    assert codes_of(refusal.value) == [("already-decided", "/application_id")]


def test_grant_below_the_requested_amount_is_granted_in_part() -> None:
    less = decided(granting(60, grounds=["provision-not-met"]), dossier(requested_cents=100))

    assert less.status == "granted-in-part"
    assert less.decision is not None
    assert (less.decision.rule, less.decision.grounds) == ("within-ceiling", ("provision-not-met",))


def test_reductions_by_authority_and_by_ceiling_have_their_own_ground() -> None:
    less = decided(granting(60, grounds=["provision-not-met"]), dossier(requested_cents=100, granted_cents=970))

    assert less.decision is not None
    assert (less.decision.asked_cents, less.decision.granted_cents) == (60, 30)
    assert less.decision.grounds == ("provision-not-met", "ceiling-exceeded")


def test_refusal_takes_nothing_from_the_ceiling() -> None:
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
def test_contradictory_decision_is_refused_with_every_problem(
    stated: ApplicationDecided, problems: list[tuple[str, str]]
) -> None:
    with pytest.raises(Rejected) as refusal:
        decided(stated, dossier(requested_cents=100))
    assert codes_of(refusal.value) == problems


@pytest.mark.parametrize("by", [OTHER, CITY])
def test_only_the_authority_of_the_programme_decides(by: str) -> None:
    with pytest.raises(Rejected) as refusal:
        decided(granting(100), dossier(), by)
    assert codes_of(refusal.value) == [("not-permitted", "/")]


def test_application_is_decided_in_its_own_programme_only() -> None:
    there = dossier()
    elsewhere = programme(programme_id=new_id())

    with pytest.raises(Rejected) as refusal:
        decided(
            granting(100, programme_id=elsewhere.programme_id),
            CaseFile(elsewhere, there.application, there.plan),
        )
    assert codes_of(refusal.value) == [("unknown-application", "/application_id")]


def test_decision_on_an_unknown_programme_or_application_is_refused() -> None:
    with pytest.raises(Rejected) as no_programme:
        decided(granting(100), CaseFile(None, None))
    with pytest.raises(Rejected) as no_application:
        decided(granting(100), CaseFile(programme(), None))

    assert codes_of(no_programme.value) == [("unknown-programme", "/programme_id")]
    assert codes_of(no_application.value) == [("unknown-application", "/application_id")]


def test_refusal_rests_on_the_article_of_each_ground() -> None:
    refused = decided(refusing("no-proper-account", "incorrect-information"), dossier(instrument="subsidie"))

    assert refused.decision is not None
    assert refused.decision.article == "Awb 4:35 lid 1 onder c; Awb 4:35 lid 2 onder a"
