"""Output of the commands: data on stdout, messages on stderr, exit codes."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, Final, NoReturn

import orjson
import typer
from rich.console import Console
from rich.markup import escape

from samenspel.client.access.errors import EnvironmentUnavailable, RequestRefused
from samenspel.client.access.local_issuer import IssuerRefused
from samenspel.client.access.profile import ProfileError
from samenspel.client.admin.kafka_admin import KafkaAdminError
from samenspel.client.replica import ReplicaError
from samenspel.client.submit.json_lines import BadLines

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


def exit_with(code: Exit, *sentences: str) -> NoReturn:
    """Print the sentences on stderr and end the command."""
    for sentence in sentences:
        messages.print(escape(sentence))
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
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=_to_jsonable).decode() + "\n")


def _to_jsonable(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json", exclude_none=True)
    raise TypeError(f"{type(value)} has no JSON form")
