"""Every command has a help text; an unreachable system gives exit code 3 and no traceback."""

from pathlib import Path

import pytest
from samenspel.client.access.profile import Profile

from tests.support.cli import OIN, line, run


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["emit"],
        ["catalogue"],
        ["organisation", "admit"],
        ["organisation", "list"],
        ["events", "tail"],
        ["replica", "sync"],
        ["replica", "verify"],
        ["replica", "diff"],
        ["replica", "ask"],
        ["replica", "sql"],
        ["receive"],
        ["funding", "explain"],
        ["lanes", "list"],
        ["lanes", "recover"],
        ["lanes", "new-timeline"],
        ["quarantine", "list"],
        ["quarantine", "retry"],
        ["up"],
    ],
)
def test_every_command_has_a_help_text(command: list[str]) -> None:
    shown = run(*command, "--help")
    assert shown.exit_code == 0
    assert "Usage" in shown.stdout


@pytest.mark.parametrize(
    "command",
    [
        ["emit", "-", "--as", OIN],
        ["emit", "-", "--as", OIN, "--via", "http"],
        ["organisation", "list"],
        ["replica", "sync", "--db", "replica.db", "--via", "http"],
    ],
)
def test_unreachable_system_ends_with_3_and_one_sentence(
    command: list[str], profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = run(*command, given=line())
    assert shown.exit_code == 3, shown.output
    assert "does not answer" in shown.stderr
    assert shown.stdout == ""
