"""The checker of all other tests is tested itself: it sees each violation of the law."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from samenspel.contracts.digest import state_hash, to_hex

from tests.support import invariants
from tests.support.invariants import judge_at_rest, replay

TOPIC = "samenspel.initiatives"


def _log(subjects: Sequence[str]) -> list[ConsumerRecord]:
    """A correct log: a new state per named subject, with a digest by the product's own sum."""
    records, states = [], {}
    for number, subject in enumerate(subjects, 1):
        value = b'{"version":%d}' % number
        states[subject] = state_hash(b"initiative.v1", subject.encode(), value)
        headers = {
            "aggregate": "initiative.v1",
            "authid": "urn:nld:oin:00000099000000000344",
            "id": f"id-{number}",
            "lane": f"{TOPIC}/0",
            "sequence": f"{number:020d}",
            "statedigest": to_hex(sum(states.values()) % 2**256),
            "subject": subject,
            "submissionid": f"s-{number}",
            "submissionsource": "urn:nld:oin:00000099000000000344:systeem:x",
            "timeline": "1",
            "type": "nl.samenspel.initiative-changed.v1",
        }
        pairs = tuple((f"ce_{name}", text.encode()) for name, text in headers.items())
        records.append(ConsumerRecord(TOPIC, 0, number - 1, 0, 0, None, value, None, 0, len(value), pairs))
    return records


def _with(record: ConsumerRecord, name: str, text: bytes) -> ConsumerRecord:
    return replace(record, headers=tuple((each, text if each == name else was) for each, was in record.headers))


LOG = _log(["a", "b", "a", "c"])
BROKEN = {
    "a gap": [LOG[0], *LOG[2:]],
    "another order": [LOG[1], LOG[0], *LOG[2:]],
    "a changed value": [LOG[0], replace(LOG[1], value=b"{}"), *LOG[2:]],
    "a repeat with other content": [*LOG, replace(LOG[1], value=b"{}")],
    "an id twice": [*LOG[:3], _with(LOG[3], "ce_id", b"id-1")],
    "another digest": [*LOG[:3], _with(LOG[3], "ce_statedigest", b"0" * 64)],
    "another lane": [*LOG[:3], _with(LOG[3], "ce_lane", b"samenspel.initiatives/1")],
}


def test_correct_log_passes_and_its_repeats_are_counted() -> None:
    lane = replay([*LOG[:3], *LOG[1:]])[TOPIC, 0]
    assert (len(lane.records), lane.repeats, set(lane.states)) == (
        4,
        2,
        {("initiative.v1", "a"), ("initiative.v1", "b"), ("initiative.v1", "c")},
    )


@pytest.mark.parametrize("how", BROKEN)
def test_every_violation_of_the_law_is_detected(how: str) -> None:
    with pytest.raises(AssertionError):
        replay(BROKEN[how])


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The heads of the lanes. A recount finds log and journal different, except with two heads."""
    heads: list[int] = []

    async def published(*_: Any) -> list[int]:
        return list(heads) or [-1]

    async def differ(*_: Any) -> None:
        assert len(heads) == 2, "log and journal differ"

    monkeypatch.setattr(invariants, "rows", published)
    monkeypatch.setattr(invariants, "_published_heads", published)
    monkeypatch.setattr(invariants, "recount", differ)
    return heads


async def test_lane_that_grows_meanwhile_is_judged_again(judged: list[int]) -> None:
    async def read() -> list[ConsumerRecord]:
        judged.append(len(judged))
        return []

    assert await judge_at_rest(None, "registry", read) == {}  # type: ignore[arg-type]  # no system is asked
    assert len(judged) == 2


async def test_violation_is_raised_at_once_when_no_lane_grows(judged: list[int]) -> None:
    reads: list[None] = []

    async def read() -> list[ConsumerRecord]:
        reads.append(None)
        return []

    judged.append(0)
    with pytest.raises(AssertionError, match="differ"):
        await judge_at_rest(None, "registry", read)  # type: ignore[arg-type]  # no system is asked
    assert len(reads) == 1
