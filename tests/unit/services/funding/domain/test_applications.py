"""Applying for funding (R numbers: Awb title 4.2, Fvw chapter 3)."""

import pytest
from samenspel.contracts.problems import Rejected

from services.funding.domain import applications
from services.funding.domain.applications import CaseFile
from tests.support.funding_cases import CITY, RECEIVED, codes_of, decided, dossier, refusing, submitted


def test_application_with_an_unknown_programme_or_a_used_id_is_refused() -> None:
    with pytest.raises(Rejected) as refusal:
        applications.apply(submitted(), CaseFile(None, dossier().application), CITY, RECEIVED)
    assert codes_of(refusal.value) == [("unknown-programme", "/programme_id"), ("already-exists", "/application_id")]


def test_plan_is_public_from_the_decision_on_and_not_before() -> None:
    waiting = dossier(requested_cents=100)
    assert waiting.application is not None
    shown = waiting.application.model_dump(exclude_none=True)
    assert shown.keys() == {"application_id", "programme_id", "applicant", "received_at", "status", "version"}
    assert (shown["received_at"], shown["status"]) == (RECEIVED, "submitted")

    public = decided(refusing("insolvency"), waiting)
    assert (public.requested_cents, public.activity) == (100, "Regio Deal Twente")
