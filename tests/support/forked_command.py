"""The command ``samenspel`` in a process of its own, forked from one that has imported everything.

A fork costs milliseconds where a new interpreter costs a second, so that every command can run in every environment.
"""

import importlib
import importlib.readers  # a process without rights cannot load what comes late
import io
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

SECONDS_MAX: Final = 60.0
TRACEBACK: Final = 70
"""Exit code in the place of a traceback, as of no command."""
UNFLUSHED: Final = 120
"""Exit code of an interpreter whose last flush of stdout fails."""
NURSERY: Final = multiprocessing.get_context("forkserver")
NURSERY.set_forkserver_preload([__name__, "samenspel.cli.app", "deploy.demo", "deploy.local.cli.commands"])

QUICK: Final = (
    ("samenspel.client.access.kafka", "START_SECONDS_MAX"),
    ("samenspel.client.access.kafka", "CONNECT_SECONDS_MAX"),
    ("samenspel.client.access.kafka_lanes", "RESPONSE_SECONDS_MAX"),
    ("samenspel.client.access.kafka_lanes", "POLL_SECONDS"),
    ("samenspel.client.admin.kafka_admin", "REQUEST_SECONDS_MAX"),
)
"""Times to wait for an answer that never comes."""
QUICK_SECONDS: Final = 0.3

Environment = Callable[[], None]
"""Changes the process before the command starts: closes streams, takes rights away, limits files."""


@dataclass(frozen=True, slots=True)
class Ended:
    """Exit code and output of a command."""

    code: int
    stdout: str
    stderr: str


def run(
    arguments: Sequence[str],
    folder: Path,
    *,
    variables: Mapping[str, str],
    environment: Environment,
    encoding: str = "utf-8",
) -> Ended:
    """Run the command in ``folder`` with these variables, in this environment; stdin is empty."""
    stdout, its_stdout = NURSERY.Pipe(duplex=False)
    stderr, its_stderr = NURSERY.Pipe(duplex=False)
    code, its_code = NURSERY.Pipe(duplex=False)
    streams = its_stdout, its_stderr, its_code
    process = NURSERY.Process(
        target=_live, args=(list(arguments), folder, dict(variables), environment, encoding, streams), daemon=True
    )
    process.start()
    for each in streams:
        each.close()
    with ThreadPoolExecutor(2) as readers:
        outputs = list(readers.map(_read_all, (stdout, stderr)))
    texts = [output.decode(encoding, "replace") for output in outputs]
    ended = Ended(int(_read_all(code) or TRACEBACK), *texts)
    process.join(SECONDS_MAX)
    return ended


def _read_all(stream: Any) -> bytes:
    """Everything up to the end of the stream; a process that hangs ends itself after `SECONDS_MAX`."""
    content = bytearray()
    while piece := os.read(stream.fileno(), 65_536):
        content += piece
    stream.close()
    return bytes(content)


def _live(
    arguments: list[str],
    folder: Path,
    variables: Mapping[str, str],
    environment: Environment,
    encoding: str,
    streams: tuple[Any, Any, Any],
) -> None:
    os.chdir(folder)
    for name in [name for name in os.environ if name.startswith("SAMENSPEL_")]:
        del os.environ[name]
    os.environ.update(variables)
    for module, constant in QUICK:
        setattr(importlib.import_module(module), constant, QUICK_SECONDS)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    *outputs, report = streams
    for descriptor, stream in enumerate(outputs, 1):
        os.dup2(stream.fileno(), descriptor)
        stream.close()
    signal.alarm(int(SECONDS_MAX))
    environment()
    sys.stdin, sys.stdout, sys.stderr = _stream(0, encoding), _stream(1, encoding), _stream(2, encoding)
    os.write(report.fileno(), str(_run_command(arguments)).encode())
    os._exit(0)


def _stream(descriptor: int, encoding: str) -> Any:
    """As the interpreter opens a standard stream: None for a closed one."""
    try:
        os.fstat(descriptor)
    except OSError:
        return None
    raw: Any = io.FileIO(descriptor, "r" if descriptor == 0 else "w", closefd=False)
    buffer: Any = io.BufferedReader(raw) if descriptor == 0 else io.BufferedWriter(raw)
    errors = "backslashreplace" if descriptor == 2 else "strict"
    return io.TextIOWrapper(buffer, encoding=encoding, errors=errors, line_buffering=descriptor == 2)


def _run_command(arguments: list[str]) -> int:
    from samenspel.cli.app import main

    sys.argv = ["samenspel", *arguments]
    try:
        main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(bool(ended.code))
    except BaseException as error:
        print(f"Traceback: {error!r}", file=sys.stderr)
        code = TRACEBACK
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        code = UNFLUSHED
    return code
