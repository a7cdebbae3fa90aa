"""A service and an environment: proxies before Kafka and PostgreSQL, and a submitting organisation."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import asyncpg
from aiokafka import AIOKafkaProducer
from samenspel.contracts.topics import DOMAIN_OF, Service, ingress

from deploy.local.services import environment_of
from deploy.local.system import LocalSystem
from tests.faults.kill.catalogue import Point
from tests.faults.kill.forked_service import Life, Moment
from tests.faults.kill.lane_log import Log
from tests.faults.kill.losing_proxy import LosingKafkaProxy, LosingProxy
from tests.faults.workload import post_until_answered
from tests.support.events import Event, binary
from tests.support.organisations import Organisation
from tests.support.service_process import through
from tests.support.submitting import producer_of
from tests.support.waiting import eventually

PATIENCE: Final = 90.0
"""Seconds allowed for a condition on a busy machine."""
RETENTION: Final = "PT1S"
"""Receipts and details are removed during the rounds."""
SETTINGS: Final[Mapping[Service, Mapping[str, str]]] = {"notifier": {"SAMENSPEL_LIMIT_SUBSCRIPTIONS": "100000"}}
"""Each round leaves four active subscriptions: a campaign must not end at the limit."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """The submissions, and the acknowledged Kafka records, in the form of receipts."""

    organisation: Organisation
    events: list[Event]
    records: list[str]


@dataclass(slots=True)
class Stage:
    """``organisation`` submits to the service; `life` is the running process."""

    system: LocalSystem
    service: Service
    organisation: Organisation
    log: Log
    proxies: dict[str, LosingProxy]
    producer: AIOKafkaProducer
    database: "asyncpg.Connection[asyncpg.Record]"
    """The service's own database, for inspection."""
    submitted: list[Submitted] = field(default_factory=list)
    life: Life | None = None

    def begin(self, moment: Moment | None = None) -> Life:
        """Replace the process by a new process."""
        self.end()
        kafka, postgres = self.proxies["kafka"], self.proxies["postgres"]
        assert isinstance(kafka, LosingKafkaProxy)
        environment = environment_of(
            self.service, self.system.home, self.system.kafka.bootstrap, self.system.databases
        )
        environment |= through(self.system, self.service, kafka=kafka, postgres=postgres)
        environment |= {"SAMENSPEL_RECEIPTS_RETENTION": RETENTION, **SETTINGS.get(self.service, {})}
        self.life = Life(self.service, environment, self.system.home.log(self.service), moment)
        return self.life

    def begin_anew(self) -> None:
        """Forget submissions and planned losses after a failed check."""
        self.submitted.clear()
        for proxy in self.proxies.values():
            proxy.forward()
        self.begin()

    async def lose_progress(self) -> None:
        """End the process as a relay that dies after an acknowledgement, before it saves the progress."""
        self.end()
        await self.database.execute(
            "update relay_progress set sequence = sequence - 1, next_offset = next_offset - 1"
            " where sequence > 0 and topic not like 'samenspel.receipts.%'"  # Old receipts leave the journal.
        )

    def meet(self, point: Point, times: int) -> tuple[Life, Moment]:
        """A process with a stop there: the present process, or a new process for a start-up point."""
        moment = Moment(point.name, times)
        if point.at_birth or self.life is None:
            return self.begin(moment), moment
        self.life.stop_at(moment)
        return self.life, moment

    def is_ready(self) -> bool:
        return self.system.services.is_ready(self.service)

    def end(self) -> None:
        if self.life is not None:
            self.life.kill()
            self.life = None

    async def submit(self, over_kafka: Sequence[Event], over_http: Sequence[Event], repeats: int = 2) -> None:
        """Submit over Kafka and HTTP at once, some submissions twice, and wait for all final answers."""
        topic = ingress(DOMAIN_OF[self.service], self.organisation.oin)
        posting = asyncio.gather(
            *(post_until_answered(self.organisation, self.service, event) for event in over_http)
        )
        sending = [
            await self.producer.send(topic, value=value, headers=headers)
            for headers, value in map(binary, [*over_kafka, *over_kafka[:repeats]])
        ]
        records = [f"{topic}/0/{(await each).offset}" for each in sending]
        await posting
        self.submitted.append(Submitted(self.organisation, [*over_kafka, *over_http], records))
        ids = [event["id"] for event in (*over_kafka, *over_http)]
        await eventually(lambda: all(map(self.log.has_answered, ids)), PATIENCE, "a final answer to each")


@asynccontextmanager
async def stage(system: LocalSystem, service: Service, organisation: Organisation, log: Log) -> AsyncIterator[Stage]:
    """Ready for a new process; ends the remaining process."""
    brokers, server = int(system.kafka.bootstrap.rpartition(":")[2]), urlsplit(system.databases.dsn(service)).port
    assert server
    with LosingKafkaProxy(brokers) as kafka, LosingProxy(server) as postgres:
        database = await asyncpg.connect(system.databases.dsn_with_password(service))
        try:
            async with producer_of(organisation) as producer:
                proxies = {"kafka": kafka, "postgres": postgres}
                made = Stage(system, service, organisation, log, proxies, producer, database)
                try:
                    yield made
                finally:
                    made.end()
        finally:
            await database.close()
