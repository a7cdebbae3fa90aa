"""A test, with or without a mutant, in a process forked after loading all third-party modules.

Loading these modules takes most of a short test's time. Our modules are loaded in the fork, so that a mutant can
replace a module.
"""

import contextlib
import io
import signal
import sys
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.pool import Pool
from typing import Final, Literal

import aiohttp  # noqa: F401
import aiokafka  # noqa: F401
import asyncpg  # noqa: F401
import confluent_kafka.admin  # noqa: F401
import fastapi  # noqa: F401
import faststream.kafka  # noqa: F401
import hypothesis.strategies  # noqa: F401
import joserfc.jwt  # noqa: F401
import pydantic_settings  # noqa: F401
import pytest
import uvicorn  # noqa: F401

from tests.mutants.mutant import Mutant
from tests.mutants.rewriting import install

SECONDS_MAX: Final = 180
OPTIONS: Final = [
    "-q",
    "-x",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:unraisableexception",
    "--tb=short",
    "--assert=plain",
]
"""A failing test may leave resources open; this says nothing about the mutant."""
OURS: Final = {"samenspel", "services", "deploy"}
Colour = Literal["green", "red", "broken"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """*Broken*: the test is missing, did not end, or failed in set-up or teardown."""

    colour: Colour
    output: str


@dataclass(slots=True)
class Reports:
    """A pytest plugin with the phases of failures."""

    failed: set[str] = field(default_factory=set)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.add(report.when or "")


def processes(number: int) -> Pool:
    """A pool of so many; each process tries once."""
    return get_context("fork").Pool(number, maxtasksperchild=1)


def attempt(test: str, mutant: Mutant | None) -> Outcome:
    """Must run in a separate process."""
    reports, output = Reports(), io.StringIO()
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.alarm(SECONDS_MAX)
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        try:
            if mutant is not None:
                _forget_ours()
                install(mutant)
            code = pytest.main([*OPTIONS, test], plugins=[reports])
        except Exception as error:
            return Outcome("broken", f"{output.getvalue()}\n{error!r}")
    signal.alarm(0)
    return Outcome(_colour(int(code), reports.failed), output.getvalue())


def _forget_ours() -> None:
    """Unload our modules, needed for collecting the tests, so that the mutant can be loaded instead."""
    for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[name]


def _colour(code: int, failed: set[str]) -> Colour:
    if code == pytest.ExitCode.OK:
        return "green"
    return "red" if code == pytest.ExitCode.TESTS_FAILED and failed == {"call"} else "broken"
