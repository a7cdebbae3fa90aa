"""Opening a programme: R5, and the authority's role."""

import pytest
from samenspel.contracts.problems import Rejected

from services.funding.domain import programmes
from tests.support.funding_cases import CITY, RIJK, codes_of, opened, organisation, programme


def test_r5_programme_is_opened_once_with_ceiling_period_and_method() -> None:
    first = programme(distribution_method="order-of-receipt")
    assert (first.distribution_method, first.authority, first.version) == ("order-of-receipt", RIJK, 1)

    with pytest.raises(Rejected) as refusal:
        programmes.open_programme(opened(distribution_method="ranking"), first, RIJK)
    assert codes_of(refusal.value) == [("already-exists", "/programme_id")]


def test_only_a_grant_authority_opens_programmes() -> None:
    programmes.require_grant_authority(organisation(RIJK, "grant-authority"))
    with pytest.raises(Rejected) as refusal:
        programmes.require_grant_authority(organisation(CITY, "operator"))
    assert codes_of(refusal.value) == [("not-permitted", "type")]
