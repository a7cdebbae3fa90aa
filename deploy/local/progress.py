"""Progress reports of components during a start."""

from typing import Protocol


class Progress(Protocol):
    def __call__(self, component: str, activity: str, share: float) -> None:
        """Report the current activity of a component; ``share`` is the completed fraction, from 0 to 1."""


def silent(component: str, activity: str, share: float) -> None:
    """For callers that show nothing."""
