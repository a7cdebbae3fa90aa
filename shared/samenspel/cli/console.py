"""Output of the commands: data on stdout, messages on stderr, exit codes.

Every text may contain text of other organisations. `plain` is the only way of a text to the terminal, and no
character of the result acts on the terminal. The other modules of the CLI print with the functions of this module.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, Final, NoReturn

import orjson
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from samenspel.client.access.errors import EnvironmentUnavailable, RequestRefused
from samenspel.client.access.local_issuer import IssuerRefused
from samenspel.client.access.profile import ProfileError
from samenspel.client.admin.kafka_admin import KafkaAdminError
from samenspel.client.replica import ReplicaError
from samenspel.client.submit.json_lines import BadLines
from samenspel.contracts.text import with_escapes, with_symbols

PIPED_COLUMNS: Final = 10_000
"""Width of piped output: a program or a file receives every table row unwrapped, on one line."""
data: Final = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPED_COLUMNS)
messages: Final = Console(stderr=True, highlight=False, soft_wrap=True)


class Exit(IntEnum):
    """Exit codes of every command."""

    OK = 0
    FAILED = 1
    """The check failed or the request was refused: invalid, rejected, diverged."""
    USAGE = 2
    ENVIRONMENT = 3
    """Kafka, a service, the profile or the replica file is missing or unreachable."""


_ENVIRONMENT_ERRORS: Final = (EnvironmentUnavailable, ProfileError, KafkaAdminError, IssuerRefused, ReplicaError)


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
    for sentence in sentences:
        print_message(sentence)
    raise typer.Exit(code)


@contextmanager
def errors_as_messages() -> Iterator[None]:
    """Turn expected errors into a sentence on stderr and an exit code, without a traceback."""
    try:
        yield
    except _ENVIRONMENT_ERRORS as error:
        exit_with(Exit.ENVIRONMENT, str(error))
    except RequestRefused as error:
        exit_with(Exit.FAILED, str(error))
    except BadLines as error:
        exit_with(Exit.FAILED, *error.problems, f"{len(error.problems)} line(s) are invalid; nothing was sent")
    except BrokenPipeError:
        # The reading program closed the pipe; discard the output in Python's buffer.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(Exit.OK) from None
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        exit_with(Exit.USAGE, f"{error.filename}: {(error.strerror or 'cannot be read').lower()}")
    except KeyboardInterrupt:
        exit_with(Exit.OK)


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
