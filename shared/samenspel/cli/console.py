"""How the command speaks: data on stdout, talk on stderr, and an exit code that says how it went."""

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

WIDE: Final = 10_000
"""Columns where nobody looks: a program or a file gets every row whole, on one line."""
data: Final = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDE)
talk: Final = Console(stderr=True, highlight=False, soft_wrap=True)


class Exit(IntEnum):
    OK = 0
    NO = 1
    """The answer is no: rejected, diverged, invalid."""
    USAGE = 2
    SURROUNDINGS = 3


_MISSING: Final = (EnvironmentUnavailable, ProfileError, KafkaAdminError, IssuerRefused, ReplicaError)


def end(code: Exit, *sentences: str) -> NoReturn:
    """Say these on stderr and end."""
    for sentence in sentences:
        talk.print(escape(sentence))
    raise typer.Exit(code)


@contextmanager
def plainly() -> Iterator[None]:
    """One sentence and an exit code instead of a traceback."""
    try:
        yield
    except _MISSING as error:
        end(Exit.SURROUNDINGS, str(error))
    except RequestRefused as error:
        end(Exit.NO, str(error))
    except BadLines as error:
        end(Exit.NO, *error.problems, f"{len(error.problems)} line(s) cannot be read; nothing was sent")
    except BrokenPipeError:
        # Whoever read us has seen enough; what is still buffered has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(Exit.OK) from None
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        end(Exit.USAGE, f"{error.filename}: {(error.strerror or 'cannot be read').lower()}")
    except KeyboardInterrupt:
        end(Exit.OK)


def print_json(value: Any) -> None:
    """One JSON document, indented."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=_plain).decode() + "\n")


def _plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json", exclude_none=True)
    raise TypeError(f"{type(value)} has no JSON form")
