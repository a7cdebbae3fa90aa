"""How commands speak: data on stdout, talk on stderr, and a failure as one sentence with its exit code."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.markup import escape

from samenspel.client.http_door import DoorRefused
from samenspel.client.issuer import IssuerRefused
from samenspel.client.kafka_admin import KafkaAdminError
from samenspel.client.profile import ProfileError
from samenspel.client.surroundings import SurroundingsMissing

NO: Final = 1
SURROUNDINGS_MISSING: Final = 3

talk: Final = Console(stderr=True, highlight=False, soft_wrap=True)
data: Final = Console(highlight=False)


@contextmanager
def plainly() -> Iterator[None]:
    """Say what went wrong in a sentence, without a traceback, and end with the exit code that fits."""
    try:
        yield
    except DoorRefused as refusal:
        _end(str(refusal), NO)
    except (SurroundingsMissing, ProfileError, KafkaAdminError, IssuerRefused) as missing:
        _end(str(missing.args[0] if missing.args else missing), SURROUNDINGS_MISSING)


def _end(sentence: str, code: int) -> None:
    talk.print(escape(sentence))
    sys.exit(code)
