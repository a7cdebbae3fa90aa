"""What may go wrong, each said as one sentence that tells what to do."""

from typing import ClassVar


class LocalSystemError(RuntimeError):
    """The local system could not do what was asked; its text is one sentence for the user."""

    exit_code: ClassVar[int] = 1


class EnvironmentUnavailable(LocalSystemError):
    """Something outside the project is missing or in the way: Java, Maven, a port, space on the disk."""

    exit_code: ClassVar[int] = 3
