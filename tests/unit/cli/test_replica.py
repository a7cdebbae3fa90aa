"""`samenspel replica`: exit codes and sentences of a missing file, and of a file of another system."""

from pathlib import Path
from typing import Any

import pytest
from samenspel.cli import replica
from samenspel.client.replica import LaneReport, SyncReport
from samenspel.client.replica.refusals import OtherSystem

from tests.support.cli import run


def test_absent_replica_ends_with_3_and_the_command_that_creates_one(tmp_path: Path) -> None:
    shown = run("replica", "verify", "--offline", "--db", str(tmp_path / "absent.db"))
    assert shown.exit_code == 3
    assert "replica sync" in shown.stderr


LANE = "samenspel.initiatives/0"


def synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outcome: SyncReport | OtherSystem, *options: str
) -> tuple[Any, list[bool]]:
    """Output of the command with this outcome of the sync, and whether a rebuild was asked for."""
    asked = list[bool]()

    def sync(*_: object, rebuild: bool, **more: object) -> SyncReport:
        asked.append(rebuild)
        if isinstance(outcome, OtherSystem):
            raise outcome
        return outcome

    monkeypatch.setattr(replica.Profile, "find", lambda: None)
    monkeypatch.setattr(replica, "reading_organisation", lambda profile, organisation: "")
    monkeypatch.setattr(replica, "sync_over_kafka", sync)
    return run("replica", "sync", "--db", str(tmp_path / "r.db"), *options), asked


def report_of(**differences: Any) -> SyncReport:
    lane = LaneReport(LANE, 1, 3, f"{0:064x}", None, None, **differences)
    return SyncReport(0, 0.1, 0, 0, (lane,))


def test_file_of_another_system_ends_with_1_and_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown, _ = synced(tmp_path, monkeypatch, OtherSystem(LANE))
    assert shown.exit_code == 1
    assert shown.stderr.splitlines() == [
        f"this file is of another system: lane {LANE} begins there with another event; "
        "`samenspel replica sync --rebuild` empties this file and starts it again"
    ]


def test_rebuild_is_an_option_of_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown, asked = synced(tmp_path, monkeypatch, report_of(), "--rebuild")
    assert (shown.exit_code, asked) == (0, [True])


@pytest.mark.parametrize(
    ("differences", "sentence"),
    [
        ({"ahead": True}, f"{LANE}: Kafka ends before event 3, which this replica has: events were lost there"),
        ({"jump": 9}, f"{LANE}: its owner is on timeline 9 and this replica on 1"),
    ],
)
def test_replica_that_its_owner_does_not_continue_ends_with_1(
    differences: dict[str, Any], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, _ = synced(tmp_path, monkeypatch, report_of(**differences))
    assert shown.exit_code == 1
    assert sentence in shown.stderr
