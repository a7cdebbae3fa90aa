"""Reader of JSON values: one per line (NDJSON), one per file, or an array. Reports all problems at once.

The parser is the parser of the services, without its limit on bytes: the files are the user's own.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from samenspel.contracts.problems import Problem, Rejected
from samenspel.contracts.strict_json import decode, duplicated_key, duplicated_keys, not_json, without_bom

STDIN: Final = "-"


@dataclass(frozen=True, slots=True)
class Entry:
    """One JSON value with the problems of its text. ``position`` is ``<file>:<line>``, ``item`` the array index."""

    position: str
    value: Any
    problems: tuple[Problem, ...] = ()
    item: int | None = None

    @property
    def label(self) -> str:
        return self.position if self.item is None else f"{self.position}: item {self.item}"


class BadLines(ValueError):
    """Invalid lines; each of ``problems`` starts with the position."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


def read_values(files: Sequence[str]) -> list[Entry]:
    """Read the values of the files in order; ``-`` is standard input. Raises OSError."""
    entries: list[Entry] = []
    for file in files:
        text = sys.stdin.buffer.read() if file == STDIN else Path(file).read_bytes()
        for position, piece in _pieces(file, text):
            entries += _entries(position, piece)
    return entries


def read_entries(files: Sequence[str]) -> list[Entry]:
    """Read the objects of the files as `read_values` does. Raises BadLines, OSError."""
    entries = [_require_object(entry) for entry in read_values(files)]
    if problems := problem_lines(entries):
        raise BadLines(problems)
    return entries


def problem_lines(entries: Sequence[Entry]) -> list[str]:
    """One line per problem, for people."""
    return [f"{entry.label}: {problem_text(problem)}" for entry in entries for problem in entry.problems]


def problem_text(problem: Problem) -> str:
    return f"{problem.field}: {problem.detail} [{problem.code}]. {problem.fix}"


def _require_object(entry: Entry) -> Entry:
    if entry.problems or isinstance(entry.value, dict):
        return entry
    return Entry(entry.position, None, (not_json("a line is a JSON object"),), entry.item)


def _pieces(file: str, text: bytes) -> Iterator[tuple[str, bytes]]:
    """The whole text when the text is one JSON value, else the non-empty lines. Each may begin with one BOM."""
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if without_bom(line).strip()]
    if len(lines) > 1 and _is_json(text):
        yield file, text
    else:
        yield from ((f"{file}:{number}", line) for number, line in lines)


def _is_json(text: bytes) -> bool:
    try:
        _decode(text)
    except Rejected:
        return False
    return True


def _decode(text: bytes) -> Any:
    return decode(text, depth_max=len(text), separators_max=len(text), bytes_max=len(text))


def _entries(position: str, text: bytes) -> list[Entry]:
    try:
        value = _decode(text)
        if not isinstance(value, list):
            problem = duplicated_key(text, value)
            return [Entry(position, value, (problem,) if problem else ())]
        found = duplicated_keys(text, value)
        return [
            Entry(position, item, (found[index],) if index in found else (), index)
            for index, item in enumerate(value)
        ]
    except Rejected as refusal:
        return [Entry(position, None, refusal.problems)]
