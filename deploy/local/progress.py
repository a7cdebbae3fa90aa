"""How a piece tells what it is doing while a user waits."""

from typing import Protocol


class Progress(Protocol):
    def __call__(self, piece: str, doing: str, share: float) -> None:
        """`share` is how much of this piece's way is behind it, from 0 to 1."""


def silent(piece: str, doing: str, share: float) -> None:
    """For callers that show nothing."""
