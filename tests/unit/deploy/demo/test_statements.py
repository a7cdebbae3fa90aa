"""Submissions of the demo: valid, the same in every run, and within the ceilings."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from samenspel.contracts.catalogue import SUBMISSIONS
from samenspel.contracts.submissions import read_submission

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


@pytest.mark.parametrize("portion", portions())
def test_every_statement_of_the_demo_is_a_valid_submission(portion: str) -> None:
    now = datetime.now(UTC)
    for key, statements in portions()[portion].items():
        for each in statements:
            read_submission(each.envelope(), SAMPLE.parties[key].oin, SUBMISSIONS, now, "test")


def test_statements_of_the_demo_are_the_same_in_every_run() -> None:
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
