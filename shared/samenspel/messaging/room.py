"""Whether the database can store: one whose disk is full refuses to, while everything that only reads still works."""

from time import monotonic
from typing import Final

import asyncpg

REMEMBERED_SECONDS: Final = 5.0
"""After a refusal. Then it is tried again: whoever is not ready is sent nothing that could show it."""


class Room:
    """Remembers the last refusal (SQLSTATE class 53, insufficient resources) for a moment."""

    def __init__(self) -> None:
        self._until = 0.0
        self._said = ""

    def note(self, error: BaseException) -> None:
        """What stopped a transaction; nothing is remembered of what has other causes."""
        if isinstance(error, asyncpg.InsufficientResourcesError):
            self._until, self._said = monotonic() + REMEMBERED_SECONDS, str(error)

    @property
    def lack(self) -> str | None:
        """What the database said when it refused just now."""
        return self._said if monotonic() < self._until else None
