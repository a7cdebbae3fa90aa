"""Rows as parameters of a statement, column by column, for ``unnest`` to make rows of again."""

from collections.abc import Sequence
from typing import Any, Final

_SEPARATOR: Final = "\x1e"
"""In none of our texts: identifiers, lines of headers and JSON have no control characters but the newline."""


def as_arrays(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Rows as arrays; ``width`` of them also when there are no rows."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


def as_joined_texts(rows: Sequence[tuple[str | bytes | int, ...]], width: int) -> list[str]:
    """Rows as texts that ``string_to_array($1, chr(30))`` takes apart; for the many rows of a batch.

    asyncpg asks of every element of an array whether it is an array itself: that costs as much as all else about it.
    Bytes must be UTF-8. One row with an empty cell gives no cell: ``unnest`` then makes it null.
    """
    return [_joined(column) for column in zip(*rows, strict=True)] if rows else [""] * width


def _joined(column: Sequence[Any]) -> str:
    if isinstance(column[0], bytes):
        return _SEPARATOR.encode().join(column).decode()
    return _SEPARATOR.join(column if isinstance(column[0], str) else map(str, column))
