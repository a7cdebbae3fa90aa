"""Names for the moments at which a process may die. Free in production; tests put a knife here."""

from collections.abc import Callable


def _alive(name: str) -> None: ...


reached: Callable[[str], None] = _alive
"""Called as ``points.reached("commit.before")``; a test replaces it in a process of its own."""
