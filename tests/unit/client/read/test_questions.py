"""Named questions are answered, with names beside OINs, and from indexes."""

from collections.abc import Iterator
from typing import Final

import orjson
import pytest
from samenspel.client.read.questions import QUESTIONS
from samenspel.client.replica import ReplicaStore
from samenspel.contracts.example_states import EXAMPLE_STATES

from tests.support.lane_owner import Owner
from tests.support.replicas import sync

UTRECHT: Final = "00000099000000000344"
UNKNOWN: Final = "00000099000000000999"
INITIATIVE: Final = str(EXAMPLE_STATES["initiative.v1"]["initiative_id"])
VALUES: Final = {"initiative_id": INITIATIVE, "day": "2026-07-01"}
SCANS: Final = {
    "SCAN o": "the organisations: at most some hundreds, each a row of the answer",
    "SCAN g": "the programmes: at most some hundreds, each a row of the answer",
}
"""Full scans of a table, and the reason."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplicaStore]:
    owner = Owner()
    organisation = {"oin": UTRECHT, "name": "Gemeente Utrecht", "kind": "municipality", "cbs_code": "GM0344"}
    owner.publish(UTRECHT, "organisation.v1", orjson.dumps(organisation))
    state = {**EXAMPLE_STATES["initiative.v1"], "partners": [UTRECHT, UNKNOWN]}
    owner.publish(INITIATIVE, "initiative.v1", orjson.dumps(state))
    for adopter, status in ((UTRECHT, "planned"), (UNKNOWN, "reached")):
        milestone = {"milestone": "first", "title": "Eerste", "status": status, "planned_on": "2026-06-01"}
        rollout = {"initiative_id": INITIATIVE, "adopter": adopter, "milestones": [milestone]}
        owner.publish(adopter, "rollout.v1", orjson.dumps(rollout))
    for kind in ("programme.v1", "application.v1"):
        owner.publish(kind, kind, orjson.dumps({**EXAMPLE_STATES[kind], "programme_id": "programme.v1"}))
    with ReplicaStore(tmp_path_factory.mktemp("questions") / "r.db", create=True) as opened:
        sync(opened, owner)
        yield opened


def answer(store: ReplicaStore, name: str) -> list[tuple[object, ...]]:
    question = QUESTIONS[name]
    return store.answer(question.sql, {each: VALUES[each] for each in question.parameters})[1]


def test_there_are_eight_questions_in_plain_words() -> None:
    assert len(QUESTIONS) == 8
    assert all("?" in each.text and ":" not in each.text for each in QUESTIONS.values())


def test_answers_have_names_beside_oins_and_no_row_is_lost_for_an_unknown_oin(store: ReplicaStore) -> None:
    assert answer(store, "initiatives-count") == [(1,)]
    assert [row[4:] for row in answer(store, "initiative-with-partners")] == [
        (UTRECHT, "Gemeente Utrecht"),
        (UNKNOWN, None),
    ]
    assert [row[:2] for row in answer(store, "adopters-of-an-initiative")] == [
        (UTRECHT, "Gemeente Utrecht"),
        (UNKNOWN, None),
    ]
    assert [row[0] for row in answer(store, "milestones-late")] == ["2026-06-01"]
    assert answer(store, "initiatives-by-province") == [("Utrecht", "Gemeente Utrecht", 1)]
    ((_, _, authority, ceiling, granted, left, undecided),) = answer(store, "programme-balance")
    assert (authority, ceiling, granted, left, undecided) == (None, 28_420_000_000, 2_500_000_000, 25_920_000_000, 0)


def test_amounts_are_summed_by_theme_and_phase(store: ReplicaStore) -> None:
    state = EXAMPLE_STATES["initiative.v1"]
    total = sum(cost["amount_cents"] for cost in state["estimated_costs"])
    assert answer(store, "costs-by-theme-and-phase") == [(state["theme"], state["phase"], 1, total)]
    assert answer(store, "initiatives-by-theme") == [(state["theme"], 1)]


@pytest.mark.parametrize("name", QUESTIONS)
def test_question_is_answered_from_indexes(store: ReplicaStore, name: str) -> None:
    question = QUESTIONS[name]
    values = {each: VALUES[each] for each in question.parameters}
    plan = [row[3] for row in store.query_named(f"explain query plan {question.sql}", values)]
    read = [step for step in plan if step.startswith(("SCAN", "SEARCH"))]
    assert read
    assert [step for step in read if "USING" not in step and step not in SCANS] == []
    assert [
        step for step in read if step.startswith("SCAN") and "COVERING INDEX" not in step and step not in SCANS
    ] == []


def test_every_listed_scan_is_of_some_question(store: ReplicaStore) -> None:
    plans = [
        row[3]
        for question in QUESTIONS.values()
        for row in store.query_named(f"explain query plan {question.sql}", dict.fromkeys(question.parameters, ""))
    ]
    assert SCANS.keys() <= set(plans)
