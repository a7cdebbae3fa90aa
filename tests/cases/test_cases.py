"""``make cases`` tells a fault that shows from a case without a result, and needs no folder."""

from pathlib import Path

import pytest

from tests.cases.__main__ import main

READY = """echo '{"ready": true, "organisations": [{"name": "Gemeente Utrecht"}]}'"""
STOPPED = """echo "$@" >> "$(dirname "$0")/calls"; [ "$1" != status ]"""


def command_in(folder: Path, script: str) -> Path:
    command = folder / "samenspel"
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(0o755)
    return command


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "cases"
    made.mkdir()
    (made / "README.md").write_text("not a case")
    (made / "01-right.py").write_text("import sys; sys.exit(sys.argv[1] == '')")
    (made / "02-fault.sh").write_text("echo why; exit 1")
    (made / "03-broken.py").write_text("raise LookupError")
    (made / "04-usage.sh").write_text("exit 2")
    return made


def test_without_the_folder_nothing_is_tried(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([], tmp_path / "absent", tmp_path / "absent") == 0
    assert "no cases tried" in capsys.readouterr().out


def test_each_case_has_its_result(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A traceback has exit code 1 too, and shows no fault of the product."""
    assert main([], folder, command_in(tmp_path, READY)) == 1
    printed = capsys.readouterr().out.splitlines()
    lines = [line.split() for line in printed if line[0] != " "]
    assert [line[0] for line in lines] == ["ok", "shown", "no", "no", "cases:"]
    assert printed[2].strip() == "why"
    assert printed[-1] == "cases: 1 of 4 ok, 1 shown"


def test_demo_is_started_and_removed_if_none_runs(folder: Path, tmp_path: Path) -> None:
    assert main(["01"], folder, command_in(tmp_path, STOPPED)) == 0
    assert (tmp_path / "calls").read_text().splitlines() == ["status --json", "demo", "reset --yes"]
