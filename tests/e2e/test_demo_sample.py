"""What the demo plays with is what its sources say, and says of itself what no source says."""

from collections import Counter
from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest
from samenspel.contracts.catalogue import SUBMISSIONS
from samenspel.contracts.submissions import read_submission

from deploy.demo.outcome import DeliveryTotals, DemoReport, ProgrammeTotals, ReplicaResult
from deploy.demo.sample import Sample
from deploy.demo.statements import MINISTRY, Statements, StatementsByParty

GRANTED_EUR = {1: 482_000_000, 3: 180_000_000, 4: 284_200_000, 6: 244_300_000}
ALL = tuple(GRANTED_EUR)
SAMPLE = Sample.read()
STATEMENTS = Statements(SAMPLE)


def portions() -> dict[str, StatementsByParty]:
    return {
        "programmes": STATEMENTS.programmes(),
        "applications": STATEMENTS.applications(ALL),
        "one more": STATEMENTS.extra_application(),
        "decisions": STATEMENTS.decisions(ALL),
        "one decision more": STATEMENTS.extra_decision(),
        "registrations": STATEMENTS.registrations(),
        "rollouts": STATEMENTS.rollouts(),
    }


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


def test_a_municipality_bears_its_cbs_code_in_its_oin_and_its_membership_a_day() -> None:
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


def test_every_fact_names_its_source_and_everything_else_is_marked() -> None:
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


@pytest.mark.parametrize("portion", portions())
def test_everything_stated_is_what_a_door_takes(portion: str) -> None:
    now = datetime.now(UTC)
    for key, statements in portions()[portion].items():
        for each in statements:
            read_submission(each.envelope(), SAMPLE.parties[key].oin, SUBMISSIONS, now, "test")


def test_what_is_stated_is_the_same_every_time() -> None:
    def identities(stated: Statements) -> set[str]:
        return {each.identity[1] for theirs in stated.rollouts().values() for each in theirs}

    assert identities(STATEMENTS) == identities(Statements(Sample.read()))


def test_brainport_is_granted_less_than_it_asked_and_only_the_last_application_is_for_an_invented_deal() -> None:
    asked = {each["application_id"]: each["requested_cents"] for each in data_of(STATEMENTS.applications(ALL))}
    granted = {each["application_id"]: each["amount_cents"] for each in data_of(STATEMENTS.decisions(ALL))}
    less = [(asked[each], granted[each]) for each in asked if granted[each] < asked[each]]
    assert less == [(17_000_000_000, 13_000_000_000)]
    assert set(STATEMENTS.decisions(ALL)) == {MINISTRY}
    assert [each.deal for each in SAMPLE.deals if each.evidence == "invented"] == ["Hondsrug Digitaal"]


def outcome(**changes: Any) -> DemoReport:
    told: dict[str, Any] = {
        "seconds": 30,
        "events": 475,
        "programmes": [
            ProgrammeTotals(name=name, ceiling_cents=cents, granted_cents=cents)
            for name, cents in SAMPLE.ceiling_of.items()
        ],
        "refused": 1,
        "replicas": [ReplicaResult(organisation=str(at), events=475, digest="0", equal=True) for at in range(4)],
        "deliveries": DeliveryTotals(sent=126, verified=126),
        "killed": "funding",
    }
    return DemoReport(**told | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"refused": 0},
        {"programmes": []},
        {"deliveries": DeliveryTotals(sent=0, verified=0)},
        {"deliveries": DeliveryTotals(sent=126, verified=125)},
        {"replicas": [ReplicaResult(organisation=str(at), events=475, digest="0", equal=at != 3) for at in range(4)]},
        {"replicas": []},
    ],
)
def test_whatever_does_not_hold_is_a_fault(changes: dict[str, Any]) -> None:
    assert not list(outcome().faults(SAMPLE.ceiling_of))
    assert len(set(outcome(**changes).faults(SAMPLE.ceiling_of))) >= 1
