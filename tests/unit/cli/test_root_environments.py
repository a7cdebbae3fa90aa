"""Every command in every environment that lacks something: one sentence and the right exit code, no traceback."""

import json
import shutil
import subprocess
import sys
import tempfile
import threading
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import typer
from samenspel.cli.app import build

from tests.support.command_environments import ENVIRONMENTS, Environment, Place
from tests.support.command_rows import PORT, ROWS, Row
from tests.support.forked_command import Ended, run

AT_ONCE = 6


class _Stranger(BaseHTTPRequestHandler):
    """A server that is none of ours: a page for every request."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<html>It works!</html>")

    do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture(scope="module")
def taken_port() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Stranger)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@contextmanager
def made_place(taken_port: int) -> Iterator[Place]:
    """A folder that every user may enter: pytest's own are for the present user only."""
    folder = Path(tempfile.mkdtemp(prefix="samenspel-cli-"))
    folder.chmod(0o777)
    place = Place(folder, taken_port)
    place.make()
    yield place
    shutil.rmtree(folder)


@pytest.fixture
def place(taken_port: int) -> Iterator[Place]:
    with made_place(taken_port) as made:
        yield made


@pytest.fixture(scope="module", params=ENVIRONMENTS, ids=lambda each: each.name)
def outcomes(request: pytest.FixtureRequest, taken_port: int) -> tuple[Environment, dict[str, Ended]]:
    """All commands in one environment, each in a place of its own; most of them wait for an answer: at once."""
    environment: Environment = request.param

    def outcome(row: Row) -> Ended:
        with made_place(taken_port) as place:
            environment.prepare(place)
            return ended(row, environment, place)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return environment, dict(zip(ROWS, pool.map(outcome, ROWS.values()), strict=True))


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Names of the commands at the ends of the tree."""
    if not hasattr(command, "commands"):
        yield " ".join(path)
        return
    for name, child in command.commands.items():
        yield from leaves(child, (*path, name))


def test_every_command_has_a_row() -> None:
    commands = set(leaves(typer.main.get_command(build())))
    assert {command for command in commands if command not in ROWS} == set()
    assert {name for name in ROWS if not any(name.startswith(command) for command in commands)} == set()


def expected_code(name: str, row: Row, environment: Environment) -> int:
    for command, code in environment.codes.items():
        if command == name:
            return code
    if row.needs & environment.lacks or (row.prints and "stdout" in environment.lacks):
        return 3
    return row.code


def ended(row: Row, environment: Environment, place: Place) -> Ended:
    form = "NFD" if environment.decomposed else "NFC"
    words = [unicodedata.normalize(form, word.replace(PORT, str(place.taken_port))) for word in row.arguments]
    return run(
        words,
        place.folder,
        variables=place.variables,
        environment=environment.change,
        encoding=environment.encoding,
    )


@pytest.mark.parametrize("name", ROWS)
def test_a_command_ends_with_a_sentence_and_the_right_code(
    outcomes: tuple[Environment, dict[str, Ended]], name: str
) -> None:
    environment, found = outcomes[0], outcomes[1][name]
    assert "Traceback" not in found.stderr + found.stdout, found
    assert "unexpected" not in found.stderr, found
    assert found.code == expected_code(name, ROWS[name], environment), found
    if found.code != 0 and not environment.is_silent and name != "doctor":
        # A refused file names its lines, and then says what became of them.
        assert 1 <= len(found.stderr.strip().splitlines()) <= 2, found


@pytest.mark.parametrize(
    ("redirection", "code"),
    [("", 0), ("<&-", 0), (">&-", 3), ("2>&-", 0), ("<&- >&- 2>&-", 3), (">/dev/full", 3), ("| true", 0)],
)
def test_an_interpreter_of_its_own_ends_the_same_way(redirection: str, code: int, place: Place) -> None:
    """Not shown by the fork: the streams opened by the interpreter, and the last flush."""
    program = f"{sys.executable} -c 'from samenspel.cli import main; main()' catalogue {redirection}"
    script = f"set -o pipefail; {program}"
    shell = shutil.which("bash")
    assert shell is not None
    done = subprocess.run([shell, "-c", script], capture_output=True, text=True, cwd=place.folder, timeout=60)
    assert done.returncode == code, done
    assert "Traceback" not in done.stderr + done.stdout
    assert "Exception" not in done.stderr


def test_json_stays_json_in_every_encoding(place: Place) -> None:
    row = Row(("catalogue", "--json"), 0)
    ascii_environment = next(each for each in ENVIRONMENTS if each.name == "ascii")
    utf_8 = ended(row, ENVIRONMENTS[0], place)
    assert json.loads(ended(row, ascii_environment, place).stdout) == json.loads(utf_8.stdout)
    assert not utf_8.stdout.isascii()
