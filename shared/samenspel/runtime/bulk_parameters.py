"""Rows as statement parameters: one parameter per column, which ``unnest`` turns back into rows."""

from collections.abc import Sequence
from typing import Any, Final

_SEPARATOR: Final = "\x1e"
"""Record separator. Identifiers, header lines and JSON contain no control character except the newline."""


def as_arrays(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Columns of ``rows`` as arrays. Without rows: ``width`` empty arrays."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


def as_joined_texts(rows: Sequence[tuple[str | bytes | int, ...]], width: int) -> list[str]:
    """Columns of ``rows`` as texts that ``string_to_array($1, chr(30))`` splits; for the many rows of a batch.

    asyncpg checks every element of an array for a nested array, which doubles the cost of the parameter.
    Bytes must be UTF-8. A single row with an empty cell gives an empty text, which ``unnest`` returns as null.
    """
    return [_joined(column) for column in zip(*rows, strict=True)] if rows else [""] * width


def _joined(column: Sequence[Any]) -> str:
    if isinstance(column[0], bytes):
        return _SEPARATOR.encode().join(column).decode()
    return _SEPARATOR.join(column if isinstance(column[0], str) else map(str, column))
