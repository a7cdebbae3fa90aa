"""The ceiling of a programme: R1, R2 and the article of each limitation (Awb title 4.2, Fvw chapter 3)."""

import pytest
from samenspel.contracts.problems import Rejected

from tests.support.funding_cases import (
    NOW,
    codes_of,
    decided,
    dossier,
    granting,
    refusing,
)


def test_r1_remaining_budget_is_the_ceiling_minus_the_grants() -> None:
    decision = decided(granting(100), dossier(granted_cents=250)).decision

    assert decision is not None
    assert (decision.ceiling_cents, decision.room_before_cents, decision.room_after_cents) == (1_000, 750, 650)
    assert (decision.rule, decision.asked_cents, decision.granted_cents) == ("within-ceiling", 100, 100)
    assert decision.recorded_at == NOW


def test_r2_last_application_is_granted_in_part() -> None:
    last = decided(granting(100), dossier(granted_cents=960))

    assert last.status == "granted-in-part"
    assert last.decision is not None
    assert (last.decision.rule, last.decision.granted_cents, last.decision.room_after_cents) == (
        "limited-to-ceiling",
        40,
        0,
    )
    assert last.decision.grounds == ("ceiling-exceeded",)


def test_r2_application_that_fits_to_the_cent_is_granted_in_full() -> None:
    assert decided(granting(100), dossier(granted_cents=900)).status == "granted"


def test_r2_application_beyond_the_ceiling_is_refused_on_that_ground() -> None:
    refused = decided(granting(100), dossier(granted_cents=1_000))

    assert refused.status == "refused"
    assert refused.decision is not None
    assert (refused.decision.rule, refused.decision.granted_cents) == ("ceiling-reached", 0)
    assert refused.decision.grounds == ("ceiling-exceeded",)


def test_r2_ceiling_is_no_ground_for_refusal_while_budget_remains() -> None:
    with pytest.raises(Rejected) as refusal:
        decided(refusing("ceiling-exceeded"), dossier(granted_cents=999))
    assert codes_of(refusal.value) == [("invalid-field", "/grounds")]

    reached = decided(refusing("ceiling-exceeded"), dossier(granted_cents=1_000))
    assert reached.decision is not None
    assert reached.decision.rule == "ceiling-reached"


def test_article_of_a_limitation_depends_on_the_instrument() -> None:
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
