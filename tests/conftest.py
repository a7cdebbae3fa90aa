"""Fixtures for every test with a running system: a real Kafka, a real PostgreSQL, the services as processes.

A single system serves a whole session, in a temporary home on free ports, so tests may run twice at once. Each test
makes new organisations and ids instead of cleaning up.
"""

import signal
import tempfile
from collections.abc import Awaitable, Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import settings
from samenspel.contracts.topics import Service
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from deploy.local.errors import LocalSystemError
from deploy.local.services import ALL
from deploy.local.system import LocalSystem
from tests.support.organisations import Organisation, admit, operator_of
from tests.support.postgres import own_environment

GROUPS = {
    **dict.fromkeys(("cases", "hostile_input", "security", "system"), "system"),
    "faults": "faults",
    **dict.fromkeys(("integration", "mutants"), "database"),
}
"""Folders of tests that share servers, with the name of the group."""
Admit = Callable[..., Awaitable[Organisation]]

# The tests require correct answers, not quick answers: a busy machine must not fail a test.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--services", default=",".join(ALL), help="start only these (default: all that are written)")


def pytest_configure() -> None:
    """A SIGTERM ends the session like Ctrl-C does: the system is taken down."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by required servers. Tests of the whole session come last."""
    items.sort(key=lambda item: item.path.name == "test_session_end.py")
    for item in items:
        needed = set(getattr(item, "fixturenames", ()))
        if {"system", "bare_system"} & needed:
            item.add_marker("system")
        if "server" in needed:
            item.add_marker("integration")


class GroupScheduling(LoadScopeScheduling):
    """One worker runs the tests that share servers, in order; other tests are distributed by file.

    The marks of pytest-xdist 3.8 for groups have no effect with pytest 9: they set a private attribute that is gone.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return GROUPS.get(file.split("/")[1], file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> GroupScheduling:
    return GroupScheduling(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the latest service logs below a failed test."""
    report = yield
    system = getattr(item, "funcargs", {}).get("system")
    if report.failed and isinstance(system, LocalSystem):
        for name, daemon in system.daemons().items():
            report.sections.append((f"end of {name}'s log", daemon.last_lines(8)))
    return report


@contextmanager
def running(services: Sequence[Service]) -> Iterator[LocalSystem]:
    """A separate local system, independent of the environment of the user's shell."""
    started = LocalSystem(Path(tempfile.mkdtemp(prefix="samenspel-tests-")))
    with own_environment():
        try:
            started.start(services)
            yield started
        except LocalSystemError as error:
            pytest.fail(str(error), pytrace=False)
        finally:
            started.remove()


@pytest.fixture(scope="session")
def system(request: pytest.FixtureRequest) -> Iterator[LocalSystem]:
    """A running local system for the whole session. A missing environment is a failure."""
    wanted = set(request.config.getoption("services").split(","))
    with running([service for service in ALL if service in wanted]) as started:
        yield started


@pytest.fixture(scope="session")
def operator(system: LocalSystem) -> Organisation:
    """The operator of the running system."""
    return operator_of(system)


@pytest.fixture
def organisation(system: LocalSystem) -> Admit:
    """Admits organisations: ``await organisation(kind="ministry", roles=("grant-authority",))``."""

    def admit_here(**stated: object) -> Awaitable[Organisation]:
        return admit(system, **stated)  # type: ignore[arg-type]  # the names are admit's own

    return admit_here
