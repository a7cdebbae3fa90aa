"""Standard streams of the command: usable when one is closed, and in every encoding."""

import codecs
import errno
import io
import os
import sys
from contextlib import suppress
from typing import Any, Final, TextIO

ESCAPE: Final = "samenspel.escape"
"""Error handler for characters that an encoding lacks: the escape of JSON, so that JSON stays JSON (RFC 8259 §7)."""


def _escape(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    pairs = (units[at : at + 2] for at in range(0, len(units), 2))
    return "".join(f"\\u{pair.hex()}" for pair in pairs), error.end


codecs.register_error(ESCAPE, _escape)


class _ClosedStream(io.RawIOBase):
    """In the place of a stream that the caller closed. Reading raises OSError with the name of the stream.

    The first write raises too; later writes are the rest of a buffer, which nobody can use.
    """

    def __init__(self, name: str) -> None:
        self._title = name
        self._has_raised = False

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        raise self._error()

    def write(self, data: Any, /) -> int:
        if self._has_raised:
            return len(data)
        self._has_raised = True
        raise self._error()

    def _error(self) -> OSError:
        return OSError(errno.EBADF, "closed", self._title)


def open_closed() -> None:
    """Give each closed stream a stand-in.

    The file descriptors 0, 1 and 2 are occupied: else the next opened file, such as a replica, gets one of these
    numbers, and output of a library is written into that file.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            # `open` takes the lowest free number, which is this one.
            os.open(os.devnull, os.O_RDWR)
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(_ClosedStream("standard input")))
    if sys.stdout is None:
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(_ClosedStream("standard output")))
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115  # lives as long as the process


def escape_unencodable(stream: TextIO) -> None:
    """Print characters that the encoding of the stream lacks as escapes, instead of raising UnicodeEncodeError."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors=ESCAPE)


def discard_output() -> None:
    """Send the output that is still buffered nowhere: the interpreter flushes at exit, and stdout takes no more."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    with suppress(OSError, ValueError):
        sys.stdout.flush()
