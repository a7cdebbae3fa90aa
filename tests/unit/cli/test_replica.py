"""`samenspel replica`: a missing file gives exit code 3 and the creating command."""

from pathlib import Path

from tests.support.cli import run


def test_absent_replica_ends_with_3_and_the_command_that_creates_one(tmp_path: Path) -> None:
    shown = run("replica", "verify", "--offline", "--db", str(tmp_path / "absent.db"))
    assert shown.exit_code == 3
    assert "replica sync" in shown.stderr
