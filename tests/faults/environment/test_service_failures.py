"""Every service in every environment that lacks something: HTTP first, the cause by name, one line, a quick end."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from samenspel.contracts.topics import Service

from deploy.local.home import CHECKOUT
from deploy.local.process import inherited_environment
from deploy.local.services import ALL
from deploy.local.system import LocalSystem
from tests.faults.environment.service_failures import FAILURES, Failure, Started, arrange_secrets, environment
from tests.support.waiting import eventually

LIVE_SECONDS_MAX = 30.0
"""On a machine that starts three services and other tests at once."""
STOP_SECONDS_MAX = 1.0
WATCHED_SECONDS = 4.0
"""Time in which a start is repeated often enough to fill a log."""


class Attempt:
    """One process of a service, started by a shell."""

    def __init__(self, service: Service, shell: str, variables: Mapping[str, str]) -> None:
        self.service = service
        self.url = f"http://127.0.0.1:{variables['SAMENSPEL_HTTP_PORT']}"
        self.began = time.monotonic()
        command = f"{sys.executable} -m services.{service}"
        self.process = subprocess.Popen(
            ["bash", "-c", shell.format(command=command)],
            cwd=CHECKOUT,
            env={**inherited_environment(), **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.output = ""

    @property
    def age(self) -> float:
        return time.monotonic() - self.began

    async def get(self, path: str) -> tuple[int, dict[str, dict[str, str]]]:
        """Status and body; 0 while nobody answers."""
        try:
            async with aiohttp.ClientSession() as session, session.get(f"{self.url}{path}") as response:
                return response.status, await response.json()
        except aiohttp.ClientError:
            return 0, {}

    async def is_live(self) -> bool:
        assert self.process.poll() is None, self.ended()
        return (await self.get("/livez"))[0] == 200

    async def amiss(self) -> dict[str, str]:
        return (await self.get("/readyz"))[1].get("amiss", {})

    def stop(self) -> float:
        """Seconds until the process has ended after SIGTERM."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.ended()
        return time.monotonic() - began

    def ended(self) -> str:
        """Everything that the process has written, once it has ended."""
        stdout, stderr = self.process.communicate(timeout=30)
        self.output += (stdout + stderr).decode(errors="replace")
        return self.output

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


@pytest.fixture
def folders(bare_system: LocalSystem, tmp_path: Path) -> Iterator[dict[Service, Path]]:
    """A folder per service, with the secrets as a container mounts them."""
    made = {service: tmp_path / service for service in ALL}
    for service, folder in made.items():
        folder.mkdir()
        # The secrets are made at the first start.
        environment(bare_system, service, {})
        arrange_secrets(bare_system, service, folder)
    yield made


@dataclass(frozen=True, slots=True)
class Start:
    """A failure, and the services that start in it at once."""

    failure: Failure
    services: Sequence[Service]


def starts_in(failures: Iterable[Failure]) -> list[Any]:
    """Each failure with one service, in turn; with the other services in `make long`.

    The three services start by the same code. A service takes about two seconds of a processor to start.
    """
    made = []
    for number, failure in enumerate(failures):
        turn = ALL[number % len(ALL)]
        others = [each for each in ALL if each != turn]
        made.append(pytest.param(Start(failure, [turn]), id=f"{failure.name}-{turn}"))
        made.append(pytest.param(Start(failure, others), id=f"{failure.name}-others", marks=pytest.mark.long))
    return made


@asynccontextmanager
async def started(
    system: LocalSystem, start_of: Start, folders: Mapping[Service, Path]
) -> AsyncIterator[list[tuple[Attempt, Started]]]:
    """The services at once; each is killed when something in the test fails."""
    failure = start_of.failure
    with ExitStack() as stack:
        attempts = []
        for service in start_of.services:
            start = stack.enter_context(failure.arrange(system, service, folders[service]))
            attempt = Attempt(service, failure.shell, environment(system, service, start.changes))
            stack.callback(attempt.kill)
            attempts.append((attempt, start))
        yield attempts


def secrets_of(system: LocalSystem) -> set[str]:
    files = [file for file in system.home.secrets.rglob("*") if file.is_file()]
    return {file.read_text() for file in files} | {"a-wrong-password"}


def warnings_in(output: str) -> list[dict[str, str]]:
    """The warnings and errors. Every line is a JSON object, also those of libraries."""
    lines = [json.loads(line) for line in output.splitlines()]
    return [line for line in lines if line["level"] not in ("info", "debug")]


@pytest.mark.parametrize("start_of", starts_in(each for each in FAILURES if each.told))
async def test_permanent_failure_ends_the_start(
    bare_system: LocalSystem, start_of: Start, folders: dict[Service, Path]
) -> None:
    failure = start_of.failure
    async with started(bare_system, start_of, folders) as attempts:
        for attempt, _ in attempts:
            output = await asyncio.to_thread(attempt.ended)
            assert attempt.process.returncode == 3, output
            assert output.startswith(f"{attempt.service} cannot start")
            assert failure.told in output
            assert "Traceback" not in output
            assert not [secret for secret in secrets_of(bare_system) if secret in output]


@pytest.mark.parametrize("start_of", starts_in(each for each in FAILURES if each.named))
async def test_temporary_failure_is_retried_and_named(
    bare_system: LocalSystem, start_of: Start, folders: dict[Service, Path]
) -> None:
    failure = start_of.failure
    async with started(bare_system, start_of, folders) as attempts:
        for attempt, _ in attempts:
            await eventually(attempt.is_live, LIVE_SECONDS_MAX, f"a live {attempt.service}")

            async def named(attempt: Attempt = attempt) -> bool:
                found = await attempt.amiss()
                return all(text in found.get(name, "") for name, text in failure.named.items())

            await eventually(named, 15, f"{failure.named} in {attempt.service}")
            assert (await attempt.get("/livez"))[0] == 200
        for attempt, start in attempts:
            await eventually(lambda attempt=attempt: attempt.age > WATCHED_SECONDS)
            if start.heal is not None:
                await asyncio.to_thread(start.heal)
                await eventually(lambda attempt=attempt: _is_ready(attempt), 60, f"a ready {attempt.service}")
            seconds = await asyncio.to_thread(attempt.stop)
            assert seconds < STOP_SECONDS_MAX or start.heal, attempt.output
            told = warnings_in(attempt.output)
            assert len(told) <= len(failure.named) + (2 if start.heal else 0), attempt.output
            assert not [secret for secret in secrets_of(bare_system) if secret in attempt.output]


async def _is_ready(attempt: Attempt) -> bool:
    status, body = await attempt.get("/readyz")
    assert status == 200, body
    return True


@pytest.mark.parametrize("start_of", starts_in(each for each in FAILURES if not (each.told or each.named)))
async def test_unneeded_dependency_stops_nothing(
    bare_system: LocalSystem, start_of: Start, folders: dict[Service, Path]
) -> None:
    async with started(bare_system, start_of, folders) as attempts:
        for attempt, _ in attempts:
            await eventually(attempt.is_live, LIVE_SECONDS_MAX, f"a live {attempt.service}")
            await eventually(lambda attempt=attempt: _is_ready(attempt), 60, f"a ready {attempt.service}")
        for attempt, _ in attempts:
            await asyncio.to_thread(attempt.stop)
            assert attempt.process.returncode == -signal.SIGTERM, attempt.output


def test_no_variable_of_these_tests_reaches_a_service() -> None:
    assert not [name for name in os.environ if name.startswith("SAMENSPEL_")]
