"""Output of the commands: data on stdout, messages on stderr, exit codes.

Every text may contain text of other organisations. `plain` is the only way of a text to the terminal, and no
character of the result acts on the terminal. The other modules of the CLI print with the functions of this module.
"""

import errno
import os
import sqlite3
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import IntEnum
from typing import Any, Final, NoReturn

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from samenspel.cli.streams import discard_output
from samenspel.client.access.errors import EnvironmentUnavailable, RequestRefused
from samenspel.client.access.local_issuer import IssuerRefused
from samenspel.client.access.profile import ProfileError
from samenspel.client.admin.kafka_admin import KafkaAdminError
from samenspel.client.replica import ReplicaError
from samenspel.client.submit.json_lines import BadLines
from samenspel.contracts.text import with_escapes, with_symbols

PIPED_COLUMNS: Final = 10_000
"""Width of piped output: a program or a file receives every table row unwrapped, on one line."""
TRACEBACK: Final = "SAMENSPEL_TRACEBACK"
"""Environment variable: with any value, an unexpected error is shown with its traceback, for a report."""


class _Output(Console):
    def on_broken_pipe(self) -> None:
        """Leave a closed pipe to `report_error`; rich would end the process with 1."""
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def _is_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


data: Final = _Output(highlight=False, soft_wrap=True, width=None if _is_terminal() else PIPED_COLUMNS)
messages: Final = _Output(stderr=True, highlight=False, soft_wrap=True)


class Exit(IntEnum):
    """Exit codes of every command."""

    OK = 0
    FAILED = 1
    """The check failed or the request was refused: invalid, rejected, diverged."""
    USAGE = 2
    ENVIRONMENT = 3
    """Kafka, a service, the profile, the replica file, a right or room on the disk is missing."""


def plain(text: str) -> Text:
    """One line for the terminal: symbols for control and bidirectional characters; no markup, no emoji codes."""
    return Text(with_symbols(text))


def print_line(text: str) -> None:
    """Print one line of data on stdout."""
    data.print(plain(text))


def print_message(text: str) -> None:
    """Print one line on stderr."""
    messages.print(plain(text))


class TextTable(Table):
    """A table of plain texts, without borders. A cell that is a `Text` keeps its style."""

    def __init__(self, *headers: Any, **options: Any) -> None:
        super().__init__(*headers, box=None, **options)

    def add_row(self, *cells: Any, **options: Any) -> None:
        super().add_row(*(plain(cell) if isinstance(cell, str) else cell for cell in cells), **options)


def print_table(table: TextTable) -> None:
    """Print a table on stdout."""
    data.print(table)


def exit_with(code: Exit, *sentences: str) -> NoReturn:
    """Print the sentences on stderr and end the command."""
    _print_sentences(sentences)
    raise typer.Exit(code)


@contextmanager
def errors_as_messages() -> Iterator[None]:
    """Turn errors into a sentence on stderr and an exit code; Ctrl-C ends the command with 0."""
    try:
        yield
    except KeyboardInterrupt:
        raise typer.Exit(Exit.OK) from None
    except (typer.Exit, typer.Abort):
        raise
    except Exception as error:
        raise typer.Exit(report_error(error)) from None


def report_error(error: Exception) -> int:
    """Print one sentence about the error on stderr. Returns the exit code."""
    code, sentences = _explained(error)
    if isinstance(error, OSError):
        # Perhaps of stdout: what is left in the buffer would raise again at exit.
        with suppress(OSError, ValueError):
            sys.stdout.flush()
        discard_output()
    _print_sentences(sentences)
    return code


def _explained(error: Exception) -> tuple[int, list[str]]:
    """Exit code and sentences. An error of another package with an ``exit_code`` brings its own sentence."""
    if isinstance(error, BadLines):
        return Exit.FAILED, [*error.problems, f"{len(error.problems)} line(s) are invalid; nothing was sent"]
    if isinstance(code := getattr(error, "exit_code", None), int):
        return code, [str(error)]
    if isinstance(error, _WRONG_PATH) and error.filename is not None:
        return Exit.USAGE, [_os_error_text(error)]
    for kinds, code, text in _EXPLAINED:
        if isinstance(error, kinds):
            return code, [text(error)]
    return Exit.FAILED, [_defect_text(error)]


def _defect_text(error: Exception) -> str:
    if os.environ.get(TRACEBACK):
        return "".join(traceback.format_exception(error))
    text = f"unexpected {type(error).__name__}: {str(error).partition(chr(10))[0]}"
    return f"{text} (a defect: set {TRACEBACK}=1 and report the output)"


def _os_error_text(error: OSError) -> str:
    reason = (error.strerror or str(error) or type(error).__name__).lower()
    return f"{error.filename}: {reason}" if error.filename is not None else f"cannot read or write: {reason}"


_WRONG_PATH: Final = (FileNotFoundError, IsADirectoryError, NotADirectoryError)
"""Errors of a path that the user has given."""
_EXPLAINED: Final[Sequence[tuple[Any, Exit, Callable[[Any], str]]]] = (
    ((EnvironmentUnavailable, ProfileError, KafkaAdminError, IssuerRefused, ReplicaError), Exit.ENVIRONMENT, str),
    (RequestRefused, Exit.FAILED, str),
    (BrokenPipeError, Exit.OK, lambda _: ""),
    (OSError, Exit.ENVIRONMENT, _os_error_text),
    (sqlite3.Error, Exit.ENVIRONMENT, lambda error: f"the replica file cannot be used: {error}"),
    (UnicodeError, Exit.USAGE, lambda _: "a text in the arguments or in a file is not valid Unicode"),
)
"""Exit code and sentence by error, the first that fits."""


def _print_sentences(sentences: Iterable[str]) -> None:
    """Print on stderr; a stderr that takes nothing changes nothing."""
    with suppress(OSError, ValueError):
        for sentence in filter(None, sentences):
            print_message(sentence)


def print_json(value: Any) -> None:
    """Print one JSON document on stdout, indented."""
    _write_json(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=_to_jsonable))


def print_json_line(document: bytes) -> None:
    """Print one JSON document, encoded without line breaks, on a line of stdout, and flush."""
    _write_json(document)
    sys.stdout.flush()


def print_raw(content: bytes) -> None:
    """Write bytes unchanged to a pipe or file, and as plain lines to a terminal."""
    if sys.stdout.isatty():
        for line in content.decode(errors="backslashreplace").split("\n"):
            print_line(line)
    else:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()


def _write_json(document: bytes) -> None:
    """The same JSON value with escapes for characters that act on a terminal."""
    sys.stdout.write(with_escapes(document.decode()) + "\n")


def _to_jsonable(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json", exclude_none=True)
    raise TypeError(f"{type(value)} has no JSON form")
