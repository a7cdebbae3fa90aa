"""The sample of the demo equals the sources; everything else is marked as invented."""

from collections import Counter
from datetime import date
from typing import Any

import orjson
import pytest

from deploy.demo.sample import Sample
from deploy.demo.statements import Statements, StatementsByParty

GRANTED_EUR = {1: 482_000_000, 3: 180_000_000, 4: 284_200_000, 6: 244_300_000}
ALL = tuple(GRANTED_EUR)
SAMPLE = Sample.read()
STATEMENTS = Statements(SAMPLE)


def data_of(stated: StatementsByParty) -> list[dict[str, Any]]:
    return [orjson.loads(each.data) for theirs in stated.values() for each in theirs]


def test_parties_are_the_cities_of_g4_and_g40_and_those_around_them_under_test_oins() -> None:
    parties = SAMPLE.parties.values()
    assert Counter(party.network for party in parties if party.network) == {"G40": 41, "G4": 4}
    assert {party.key for party in parties if party.network is None} == {"BZK", "IenW", "VNG", "BTG", "Borger-Odoorn"}
    assert [party.key for party in parties if party.entry_point == "http"] == ["Borger-Odoorn"]
    oins = [party.oin for party in parties]
    assert len(set(oins)) == len(oins) == 50
    assert all(oin.startswith("00000099") and oin != "00000099000000000001" for oin in oins)


def test_municipality_has_its_cbs_code_in_its_oin_and_a_dated_membership() -> None:
    cities = [party for party in SAMPLE.parties.values() if party.kind == "municipality"]
    assert all(city.cbs_code and city.oin.endswith(city.cbs_code[2:]) for city in cities)
    assert all(city.tooi and city.cbs_code and city.tooi.endswith(city.cbs_code.lower()) for city in cities)
    assert not SAMPLE.parties["Amstelveen"].admission.memberships[0].includes(date(2022, 6, 30))
    assert SAMPLE.parties["Amstelveen"].admission.memberships[0].includes(date(2022, 7, 1))


@pytest.mark.parametrize("tranche", ALL)
def test_deals_of_a_tranche_add_up_to_its_ceiling(tranche: int) -> None:
    granted = sum(each.granted_eur or 0 for each in SAMPLE.deals if each.tranche == tranche)
    (programme,) = [each for each in SAMPLE.tranches if each.tranche == tranche]
    assert granted == programme.ceiling_eur == GRANTED_EUR[tranche]


def test_every_row_names_its_source_or_is_marked_as_invented() -> None:
    assert all(party.source for party in SAMPLE.parties.values())
    assert all(each.source for each in SAMPLE.tranches)
    assert all(each.source or each.evidence == "invented" for each in SAMPLE.deals)
    remarks = {each["beneficiary"]["name"]: each["remark"] for each in data_of(STATEMENTS.applications([3]))}
    assert all("stand-in" in remark and "https://" in remark for remark in remarks.values())
    derived = {name for name, remark in remarks.items() if "derived" in remark}
    assert derived == {"Noordoost-Brabant", "Zuid-Hollandse Delta"}
    assert all("stand-in" in each["source"] for each in data_of(STATEMENTS.programmes()))
    assert all("invented" in each["remark"] for each in data_of(STATEMENTS.extra_application()))
    assert all("invented" in each["summary"] for each in data_of(STATEMENTS.registrations()))


def test_initiatives_are_spread_over_the_six_themes_and_reach_every_city() -> None:
    assert set(Counter(idea.theme for idea in SAMPLE.ideas).values()) == {5}
    assert len({idea.theme for idea in SAMPLE.ideas}) == 6
    taking_part = {idea.lead for idea in SAMPLE.ideas}
    taking_part |= {adoption.adopter for idea in SAMPLE.ideas for adoption in idea.rollouts}
    assert {party.key for party in SAMPLE.parties.values() if party.network} <= taking_part
    assert all(adoption.adopter != idea.lead for idea in SAMPLE.ideas for adoption in idea.rollouts)
