"""``make mutants``: every mutant against its test, and every such test without one; a table, and one line.

``JOBS`` is how many tests run at once; ``LIMIT_S`` the seconds after which no test begins any more. Whatever needs a
database has one PostgreSQL for all of them.
"""

import asyncio
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local.system import LocalSystem
from tests.mutants.catalogue import MUTANTS, Mutant
from tests.mutants.server import VARIABLE

JOBS: Final = int(os.environ.get("JOBS", "2"))
LIMIT_SECONDS: Final = float(os.environ.get("LIMIT_S", "1200"))
TEST_SECONDS_MAX: Final = 180
SUMMARY: Final = re.compile(r"^(\d+) failed", re.MULTILINE)
ERRORS: Final = re.compile(r"^.*\d+ errors?\b.* in [\d.]+s", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Run:
    """How a test ended: green, red, or (a fault in setting up, a test that is not there) neither."""

    colour: str
    output: str


def main() -> int:
    """0 when every test is green without its mutant and red with it."""
    began = time.monotonic()
    with _postgres() as dsn, tempfile.TemporaryDirectory() as examples:
        environment = {**os.environ, VARIABLE: dsn, "HYPOTHESIS_STORAGE_DIRECTORY": examples}
        with_mutant, without = asyncio.run(_run_all(environment, began + LIMIT_SECONDS))
    _print_table(with_mutant, without)
    return _judge(with_mutant, without, time.monotonic() - began)


@contextmanager
def _postgres() -> Iterator[str]:
    """A server of their own for all tests that need one: its superuser's URL."""
    system = LocalSystem(Path(tempfile.mkdtemp(prefix="samenspel-mutants-")))
    try:
        with system.home.locked():
            system.postgres.start()
        yield system.postgres.admin_dsn
    finally:
        system.remove()


async def _run_all(environment: dict[str, str], deadline: float) -> tuple[dict[Mutant, Run], dict[str, Run]]:
    turns = asyncio.Semaphore(JOBS)

    async def run(test: str, *options: str) -> Run:
        async with turns:
            if time.monotonic() > deadline:
                return Run("not run", "")
            return await _pytest(environment, test, *options)

    tests = list(dict.fromkeys(mutant.test for mutant in MUTANTS))
    mutated = [run(mutant.test, "-p", "tests.mutants.plugin", "--mutant", mutant.name) for mutant in MUTANTS]
    runs = await asyncio.gather(*mutated, *(run(test) for test in tests))
    return dict(zip(MUTANTS, runs, strict=False)), dict(zip(tests, runs[len(MUTANTS) :], strict=True))


async def _pytest(environment: dict[str, str], test: str, *options: str) -> Run:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "--tb=short", *options, test]
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), TEST_SECONDS_MAX)
    except TimeoutError:
        process.kill()
        await process.wait()
        return Run("too slow", "")
    said = output.decode(errors="replace")
    return Run(_colour(process.returncode, said), said)


def _colour(code: int | None, output: str) -> str:
    if code == 0:
        return "green"
    return "red" if code == 1 and SUMMARY.search(output) and not ERRORS.search(output) else "broken"


def _print_table(with_mutant: dict[Mutant, Run], without: dict[str, Run]) -> None:
    rows = [("mutant", "protection", "test", "with it", "without")]
    rows += [
        (mutant.name, mutant.home, mutant.test, run.colour, without[mutant.test].colour)
        for mutant, run in with_mutant.items()
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def _judge(with_mutant: dict[Mutant, Run], without: dict[str, Run], seconds: float) -> int:
    found = [mutant for mutant, run in with_mutant.items() if run.colour == "red"]
    green = [test for test, run in without.items() if run.colour == "green"]
    _explain([run for run in with_mutant.values() if run.colour == "broken"])
    _explain([run for run in without.values() if run.colour != "green"])
    print(
        f"mutants: {len(found)} of {len(MUTANTS)} found by their test; "
        f"{len(green)} of {len(without)} tests green without; {seconds:.0f} s"
    )
    return 0 if len(found) == len(MUTANTS) and len(green) == len(without) else 1


def _explain(runs: Sequence[Run]) -> None:
    for run in runs:
        print(*run.output.splitlines()[-25:], sep="\n", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
