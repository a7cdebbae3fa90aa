"""The targets of a storm: a system, proxies before Kafka and PostgreSQL, and service instances."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from samenspel.contracts.topics import Service

from deploy.local.system import LocalSystem
from tests.faults.storm.instances import Instance, instances_of
from tests.support.proxy import KafkaProxy, Proxy
from tests.support.waiting import eventually

READY_SECONDS_MAX = 90.0


@dataclass(frozen=True, slots=True)
class Stage:
    system: LocalSystem
    kafka_proxy: KafkaProxy
    postgres_proxy: Proxy
    instances: list[Instance]
    random: random.Random
    restarts: list[tuple[str, float]] = field(default_factory=list)
    """The server, and the seconds from a kill to the first answer."""

    def of(self, service: Service) -> list[Instance]:
        return [each for each in self.instances if each.service == service]

    @property
    def services(self) -> list[Service]:
        return list(dict.fromkeys(each.service for each in self.instances))

    async def say_what_waits(self) -> None:
        """Into the log of every running instance."""
        for each in self.instances:
            if each.is_stopped or not await each.is_alive():
                continue
            each.process.send_signal(signal.SIGUSR2)

    async def all_ready(self) -> None:
        for each in self.instances:
            await eventually(each.is_ready, READY_SECONDS_MAX, f"a ready {each.name}")


@asynccontextmanager
async def staged(system: LocalSystem, instances: Mapping[Service, int], seed: int) -> AsyncIterator[Stage]:
    """Everything runs and is ready; at the end the instances are killed in any state."""
    kafka_port, postgres_port = int(system.kafka.bootstrap.rpartition(":")[2]), system.ports.remembered("postgres")
    assert postgres_port is not None
    with KafkaProxy(kafka_port) as kafka, Proxy(postgres_port) as postgres:
        fleet = [
            each
            for service, count in instances.items()
            for each in instances_of(system, service, count, kafka, postgres)
        ]
        stage = Stage(system, kafka, postgres, fleet, random.Random(seed))
        try:
            for each in fleet:
                each.begin()
            await stage.all_ready()
            yield stage
        finally:
            await asyncio.gather(*(asyncio.to_thread(each.kill) for each in fleet))
