"""One row per command: arguments, needs, and the exit code on a machine without a running system."""

from dataclasses import dataclass
from typing import Final

from tests.support.command_environments import CURACAO, UTRECHT

PORT: Final = "PORT"
"""Stands for the port at which another server listens."""


@dataclass(frozen=True, slots=True)
class Row:
    """``code`` is the exit code when everything in ``needs`` is there, except a running system.

    ``prints`` says whether the command prints on stdout before it ends, also when it fails.
    """

    arguments: tuple[str, ...]
    code: int
    needs: frozenset[str] = frozenset()
    prints: bool = False


def _row(code: int, arguments: str, *needs: str, prints: bool = False, name: str = "") -> Row:
    words = (*arguments.split(), *(("--as", name) if name else ()))
    return Row(words, code, frozenset(needs), prints)


ROWS: Final = {
    "demo": _row(3, "demo"),
    "up": _row(3, "up"),
    "down": _row(0, "down", "home", "writing"),
    "status": _row(1, "status", "home"),
    "doctor": _row(3, "doctor", prints=True),
    "reset": _row(0, "reset --yes", "home", "writing"),
    "emit": _row(3, "emit lines.ndjson", "profile", "files", name=CURACAO),
    "emit from stdin": _row(0, "emit - --check", "profile", "stdin", name=CURACAO),
    "catalogue": _row(0, "catalogue", prints=True),
    "catalogue as json": _row(0, "catalogue --json", prints=True),
    "receive": _row(3, f"receive --port {PORT}"),
    "organisation admit": _row(3, f"organisation admit --oin {UTRECHT} --name X --kind municipality", "profile"),
    "organisation list": _row(3, "organisation list", "profile"),
    "events tail": _row(3, "events tail --no-follow", "profile", name=CURACAO),
    "replica sync": _row(3, "replica sync --db one.db", "profile", "files", name=CURACAO),
    "replica sync over http": _row(3, "replica sync --db new.db --via http", "profile", "writing"),
    "replica verify": _row(0, "replica verify --db one.db --offline", "files", prints=True),
    "replica diff": _row(0, "replica diff one.db two.db", "files"),
    "replica ask": _row(0, "replica ask initiatives-count --db one.db", "files", prints=True),
    "replica sql": _row(0, "replica sql --db one.db values(1)", "files", prints=True),
    "funding explain": _row(3, "funding explain x", "profile", "room", name=CURACAO),
    "funding explain a file": _row(1, "funding explain x --db one.db", "files"),
    "lanes list": _row(3, "lanes list registry", "profile"),
    "lanes recover": _row(3, "lanes recover registry", "profile"),
    "lanes new-timeline": _row(3, "lanes new-timeline registry x/0 --why y", "profile"),
    "quarantine list": _row(3, "quarantine list", "profile"),
    "quarantine show": _row(3, "quarantine show 1", "profile"),
    "quarantine retry": _row(3, "quarantine retry 1", "profile"),
    "quarantine discard": _row(3, "quarantine discard 1 --why x", "profile"),
}
"""By name: the words of the command, with words behind it for a second way to call the command."""
