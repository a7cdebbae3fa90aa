"""Statements on the Regio Deals: amounts in cents, stand-ins and inventions named as such."""

import pytest

from deploy.demo.deals import (
    ASSUMED,
    DERIVED,
    FULL,
    IN_PART,
    INVENTED,
    application_decided,
    application_submitted,
    programme_opened,
)
from deploy.demo.sample import Deal, Sample

SAMPLE = Sample.read()
TRANCHES = {each.tranche: each for each in SAMPLE.tranches}


@pytest.mark.parametrize("deal", SAMPLE.deals, ids=lambda deal: f"{deal.tranche} {deal.deal}")
def test_application_and_decision_of_a_deal_agree(deal: Deal) -> None:
    application, decision = application_submitted(deal), application_decided(deal, TRANCHES[deal.tranche])
    assert (application.application_id, application.programme_id) == (decision.application_id, decision.programme_id)
    assert decision.amount_cents is not None
    assert decision.amount_cents <= application.requested_cents
    assert application.requested_cents == 100 * (deal.requested_eur or deal.granted_eur or 0)
    assert programme_opened(TRANCHES[deal.tranche]).programme_id == application.programme_id


@pytest.mark.parametrize("deal", SAMPLE.deals, ids=lambda deal: f"{deal.tranche} {deal.deal}")
def test_remark_names_what_no_source_says(deal: Deal) -> None:
    remark = application_submitted(deal).remark or ""
    assert (INVENTED in remark) == (deal.evidence == "invented")
    assert (DERIVED in remark) == (deal.evidence == "derived")
    assert (ASSUMED in remark) == (deal.requested_eur is None and deal.evidence != "invented")
    assert deal.evidence == "invented" or f"Bron: {deal.source}" in remark


def test_decision_explains_a_full_programme_and_a_grant_in_part() -> None:
    explained = {deal.deal: application_decided(deal, TRANCHES[deal.tranche]).explanation for deal in SAMPLE.deals}
    assert [name for name, why in explained.items() if why == FULL] == ["Hondsrug Digitaal"]
    assert [name for name, why in explained.items() if why == IN_PART] == [
        deal.deal for deal in SAMPLE.deals if deal.requested_eur and deal.granted_eur
    ]
