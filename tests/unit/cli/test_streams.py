"""Standard streams: closed ones have a stand-in, and characters that an encoding lacks become escapes."""

import io
import json
import os
import sys

import pytest
from samenspel.cli import streams
from samenspel.cli.streams import escape_unencodable, open_closed

from tests.support.forked_command import NURSERY


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_text_that_an_encoding_lacks_is_escaped_as_json_does(encoding: str) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    escape_unencodable(stream)
    text = json.dumps({"naam": "Curaçao → € 130 M 🏙"}, ensure_ascii=False)
    stream.write(text)
    stream.flush()
    assert json.loads(raw.getvalue().decode(encoding)) == json.loads(text)


def test_a_text_that_is_no_unicode_is_escaped_too() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="utf-8")
    escape_unencodable(stream)
    stream.write(os.fsdecode(b"\xff"))
    stream.flush()
    assert raw.getvalue() == b"\\udcff"


def test_decoding_is_no_matter_of_escapes() -> None:
    with pytest.raises(UnicodeDecodeError):
        b"\xff".decode("ascii", streams.ESCAPE)


def _close_and_open() -> None:
    """In a process of its own: all three streams closed, then a file opened."""
    for descriptor in range(3):
        os.close(descriptor)
    sys.stdin = sys.stdout = sys.stderr = None  # type: ignore[assignment]  # as the interpreter has it then
    open_closed()
    occupied = os.open(os.devnull, os.O_RDONLY) > 2
    raised = []
    for use in (sys.stdin.read, lambda: sys.stdout.write("x" * 100_000)):
        try:
            use()
        except OSError as error:
            raised.append(error.filename)
    sys.stderr.write("nobody reads this")
    sys.stdout.flush()
    os._exit(0 if occupied and raised == ["standard input", "standard output"] else 1)


def test_closed_streams_have_stand_ins_and_their_numbers_are_taken() -> None:
    process = NURSERY.Process(target=_close_and_open)
    process.start()
    process.join(30)
    assert process.exitcode == 0
