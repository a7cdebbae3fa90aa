"""The root of the command tree: an error of any kind becomes one sentence and an exit code."""

import errno
import sqlite3

import pytest
import typer
from samenspel.cli.root import RootCommand
from typer.testing import CliRunner, Result


class BroughtAlong(Exception):
    """As the errors of a package that adds commands."""

    exit_code = 3


def ended(error: Exception) -> Result:
    app = typer.Typer(cls=RootCommand)

    @app.callback()
    def root() -> None: ...

    @app.command()
    def fail() -> None:
        raise error

    return CliRunner().invoke(app, ["fail"])


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), 3, "no space left on device"),
        (OSError(errno.EROFS, "Read-only file system", "a.db"), 3, "a.db: read-only file system"),
        (PermissionError(errno.EACCES, "Permission denied", "a.db"), 3, "a.db: permission denied"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "a"), 2, "a: no such file"),
        (FileNotFoundError(errno.ENOENT, "No usable temporary directory found"), 3, "temporary"),
        (sqlite3.OperationalError("database or disk is full"), 3, "database or disk is full"),
        (UnicodeEncodeError("ascii", "€", 0, 1, "ordinal not in range"), 2, "not valid Unicode"),
        (BroughtAlong("Java is missing"), 3, "Java is missing"),
        (RuntimeError("surprise"), 1, "unexpected RuntimeError: surprise (a defect"),
        (RecursionError("maximum recursion depth exceeded"), 1, "unexpected RecursionError"),
    ],
)
def test_an_error_is_a_sentence_and_a_code(error: Exception, code: int, text: str) -> None:
    found = ended(error)
    assert found.exit_code == code
    assert text in found.stderr
    assert len(found.stderr.splitlines()) == 1
    assert "Traceback" not in found.output


def test_a_reader_that_has_gone_is_no_failure() -> None:
    found = ended(BrokenPipeError(errno.EPIPE, "Broken pipe"))
    assert (found.exit_code, found.output) == (0, "")


def test_a_traceback_is_shown_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMENSPEL_TRACEBACK", "1")
    assert "Traceback" in ended(RuntimeError("surprise")).stderr
