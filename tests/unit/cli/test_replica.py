"""`samenspel replica`: a missing file gives exit code 3 and the command that creates it."""

from pathlib import Path

from tests.support.cli import run


def test_a_replica_that_is_not_there_is_said(tmp_path: Path) -> None:
    shown = run("replica", "verify", "--offline", "--db", str(tmp_path / "absent.db"))
    assert shown.exit_code == 3
    assert "replica sync" in shown.stderr
