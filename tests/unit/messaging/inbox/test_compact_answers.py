"""The compact form of an answer loses details only, and can be told from JSON."""

from typing import Any
from uuid import uuid4

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samenspel.contracts.receipts import Answer
from samenspel.contracts.submission_hashes import PublishedHash
from samenspel.contracts.topics import CANONICAL
from samenspel.messaging.inbox.compact_answers import (
    TOPICS,
    EventPosition,
    compact,
    has_compact_form,
    is_compact,
    read_compact,
)

HASH = "ab" * 32
EVENT = st.fixed_dictionaries(
    {
        "lane": st.builds(
            lambda topic, lane: f"{topic}/{lane}",
            st.sampled_from([*CANONICAL, "samenspel.later"]),
            st.integers(0, 2**31 - 1),
        ),
        "timeline": st.integers(1, 2**31 - 1),
        "sequence": st.integers(1, 2**63 - 1),
        "id": st.uuids().map(str) | st.text(min_size=1, max_size=60),
        "type": st.just("nl.samenspel.initiative-registered.v1"),
    }
)


@given(st.lists(EVENT, max_size=4), st.sampled_from(["", "a1b2c3d4e5f6"]))
def test_accepted_answer_keeps_outcome_hash_and_events(events: list[dict[str, Any]], key_id: str) -> None:
    known = PublishedHash(HASH, key_id)
    answer = {"outcome": "accepted", "record": "http", "events": events, **known.as_members()}
    stored = compact(answer)
    assert is_compact(stored)
    read = read_compact(stored)
    types = {position: "nl.samenspel.initiative-registered.v1" for position, _ in read.events}
    assert read.members(types) == {**answer, "record": ""}


def test_rejected_answer_keeps_no_problem_text() -> None:
    answer = {"outcome": "rejected", "record": "http", "problems": [{"detail": "x" * 400}], "submissionhash": HASH}
    stored = compact(answer)
    assert len(stored) == 2 + 32 + 1
    members = read_compact(stored).members({})
    assert (
        Answer.model_validate_json(orjson.dumps({"source": "s", "id": "1", **members})).problems[0].code
        == "details-expired"
    )


def test_answer_with_one_event_takes_less_than_sixty_bytes() -> None:
    event = {"lane": "samenspel.initiatives/3", "timeline": 1, "sequence": 1_000_000, "id": str(uuid4()), "type": "t"}
    assert len(compact({"outcome": "accepted", "submissionhash": HASH, "events": [event]})) < 60


@pytest.mark.parametrize("answer", [{"outcome": "deferred", "submissionhash": HASH}, {"outcome": "rejected"}])
def test_answer_that_is_not_final_has_no_compact_form(answer: dict[str, str]) -> None:
    assert not has_compact_form(answer)


def test_json_answer_is_not_compact() -> None:
    assert not is_compact(b'{"outcome": "rejected"}')


def test_numbers_of_topics_never_change() -> None:
    """Stored answers have these numbers."""
    assert TOPICS == {
        1: "samenspel.initiatives",
        2: "samenspel.organisations",
        3: "samenspel.funding",
        4: "samenspel.notifications",
    }
    assert set(TOPICS.values()) == set(CANONICAL)


def test_event_without_its_row_has_an_empty_type() -> None:
    position = EventPosition("samenspel.funding", 0, 1, 7)
    event = {"lane": "samenspel.funding/0", "timeline": 1, "sequence": 7, "id": "i", "type": "t"}
    read = read_compact(compact({"outcome": "accepted", "submissionhash": HASH, "events": [event]}))
    assert read.events == [(position, "i")]
    assert read.members({})["events"] == [{**event, "type": ""}]
