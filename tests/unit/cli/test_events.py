"""`samenspel events tail`: sentences, JSON or raw lines, up to a limit."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from samenspel.cli import events
from samenspel.client.access.profile import Profile
from samenspel.client.read.tail import TailedEvent
from samenspel.contracts import canonical

from tests.support.cli import OIN, run
from tests.support.lane_owner import Owner


@pytest.fixture(autouse=True)
def three_events(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The requests to the tail, with three events."""
    asked: list[dict[str, Any]] = []
    owner = Owner()
    records = [owner.publish(f"subject-{number}") for number in range(3)]

    def tail(profile: Profile, organisation: str, names: object, **options: Any) -> Iterator[TailedEvent]:
        del options["on_unreadable"]
        asked.append({"organisation": organisation, **options})
        for each in records:
            event = canonical.read(each.topic(), each.partition(), each.offset(), each.headers(), each.value())
            yield TailedEvent(event, OIN, "2026-11-24T10:00:00.000Z")

    monkeypatch.setattr(events, "tail", tail)
    return asked


def test_tail_shows_a_sentence_per_event_with_the_name_of_its_submitter() -> None:
    lines = run("events", "tail", "--limit", "2").stdout.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("2026-11-24 10:00:00  Gemeente Utrecht") for line in lines)


def test_tail_as_json_is_one_structured_event_per_line() -> None:
    lines = run("events", "tail", "--json").stdout.splitlines()
    assert [orjson.loads(line)["subject"] for line in lines] == ["subject-0", "subject-1", "subject-2"]


def test_raw_tail_shows_the_journal_lines_and_the_data() -> None:
    shown = run("events", "tail", "--raw", "--limit", "1").stdout
    assert "ce_subject:subject-0\n" in shown
    assert '"initiative_id"' in shown


def test_tail_passes_on_types_start_and_organisation(three_events: list[dict[str, Any]]) -> None:
    chosen = ("--type", "initiative-registered", "--from", "beginning", "--no-follow", "--as", "Gemeente Utrecht")
    assert run("events", "tail", *chosen).exit_code == 0
    assert three_events == [
        {
            "organisation": OIN,
            "since": "beginning",
            "follow": False,
            "types": ["nl.samenspel.initiative-registered.v1"],
        }
    ]


def test_tail_of_an_unknown_type_is_wrong_usage() -> None:
    assert run("events", "tail", "--type", "nonsense").exit_code == 2
