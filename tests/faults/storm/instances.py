"""The service instances struck by a storm, each restarted at once after a kill."""

import signal
import socket
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus

import aiohttp
import psutil
from samenspel.contracts.topics import Service

from deploy.local.system import LocalSystem
from tests.support.proxy import LOOPBACK, KafkaProxy, Proxy
from tests.support.service_process import Life, begin, through

PROGRAM = "tests.faults.storm.pausing_service"


@dataclass(slots=True)
class Instance:
    """A place for a service process; ``changes`` are special settings."""

    system: LocalSystem
    service: Service
    number: int
    port: int
    changes: dict[str, str]
    life: Life | None = None

    @property
    def name(self) -> str:
        return f"{self.service}-{self.number}"

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def process(self) -> psutil.Process:
        assert self.life is not None, f"{self.name} was never begun"
        return self.life.process

    def begin(self) -> None:
        self.life = begin(
            self.system, self.service, port=self.port, name=self.name, changes=self.changes, program=PROGRAM
        )

    def kill(self) -> None:
        if self.life is not None:
            self.life.kill()

    def restart(self) -> None:
        self.kill()
        self.begin()

    @property
    def is_stopped(self) -> bool:
        return bool(self.process.status() == psutil.STATUS_STOPPED)

    async def is_ready(self) -> bool:
        return await self._status("/readyz") == HTTPStatus.OK

    async def is_alive(self) -> bool:
        """Whether the instance answers; an answering instance handles signals."""
        return await self._status("/readyz") is not None

    async def _status(self, path: str) -> int | None:
        timeout = aiohttp.ClientTimeout(total=2)
        with suppress(aiohttp.ClientError, TimeoutError, OSError):
            async with aiohttp.ClientSession(timeout=timeout) as http, http.get(self.url + path) as response:
                return response.status
        return None


def instances_of(
    system: LocalSystem, service: Service, count: int, kafka: KafkaProxy, postgres: Proxy
) -> list[Instance]:
    """The first is where the system expects the service, and goes through the proxies; the others do not."""
    port = system.ports.remembered(service)
    assert port is not None
    first = Instance(system, service, 1, port, through(system, service, kafka=kafka, postgres=postgres))
    return [first, *(Instance(system, service, number, free_port(), {}) for number in range(2, count + 1))]


def free_port() -> int:
    with socket.socket() as log_reader:
        log_reader.bind((LOOPBACK, 0))
        return int(log_reader.getsockname()[1])


def tell_all(process: psutil.Process, what: signal.Signals) -> None:
    """Send a signal to a process and all descendants, parents first."""
    for each in [process, *process.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            each.send_signal(what)
