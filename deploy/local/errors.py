"""Errors of the local system. The text of an error is one sentence with the action to take."""

from typing import ClassVar


class LocalSystemError(RuntimeError):
    """The local system could not execute the command; the text is one sentence for the user."""

    exit_code: ClassVar[int] = 1


class EnvironmentUnavailable(LocalSystemError):
    """A requirement of the environment is not met: Java, Maven, a free port, disk space."""

    exit_code: ClassVar[int] = 3
