"""Reader of JSON objects: one per line (NDJSON), one per file, or an array. Reports all problems at once."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from samenspel.contracts.problems import Rejected
from samenspel.contracts.strict_json import duplicated_key, parse

STDIN: Final = "-"
_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Entry:
    """One JSON object and its position, ``<file>:<line>``."""

    position: str
    value: dict[str, Any]


class BadLines(ValueError):
    """Invalid lines; each of ``problems`` starts with the position."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


def read_entries(files: Sequence[str]) -> list[Entry]:
    """Read the objects of the files in order; ``-`` is standard input. Raises BadLines, OSError."""
    entries: list[Entry] = []
    problems: list[str] = []
    for file in files:
        text = sys.stdin.buffer.read() if file == STDIN else Path(file).read_bytes()
        for position, piece in _values(file, text.removeprefix(_BOM)):
            try:
                entries += [Entry(position, value) for value in _objects(piece)]
            except ValueError as error:
                problems.append(f"{position}: {error}")
    if problems:
        raise BadLines(problems)
    return entries


def _values(file: str, text: bytes) -> Iterator[tuple[str, bytes]]:
    """The whole text when the text is one JSON value, else the non-empty lines."""
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if len(lines) > 1 and _is_json(text):
        yield file, text
    else:
        yield from ((f"{file}:{number}", line) for number, line in lines)


def _is_json(text: bytes) -> bool:
    try:
        parse(text)
    except Rejected:
        return False
    return True


def _objects(text: bytes) -> list[dict[str, Any]]:
    try:
        value = parse(text)
    except Rejected as refusal:
        raise ValueError(f"not valid JSON ({refusal.problems[0].detail})") from None
    if problem := duplicated_key(text, value):
        raise ValueError(f"the key {problem.field[1:]!r} occurs twice in one object")
    found = value if isinstance(value, list) else [value]
    if not all(isinstance(each, dict) for each in found):
        raise ValueError("not a JSON object")
    return found
