"""Organisations with continuous submissions at the tap's rate, and with checks for full service after a fault."""

import asyncio
import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import orjson
from samenspel.contracts.topics import Service

from tests.faults.storm.event_sources import Applications, Initiatives, decided, opened
from tests.faults.storm.harness import Stage
from tests.faults.storm.submitting import HttpSubmitter, KafkaSubmitter
from tests.faults.storm.watcher import Watcher
from tests.support.events import Event, new_id
from tests.support.organisations import Organisation

Place = tuple[str, Service]
"""An organisation's OIN, and the receiving service."""
Submitter = KafkaSubmitter | HttpSubmitter
Submitters = Mapping[Place, Submitter]
CHUNK_MAX = 25
REPEATED = 0.2
"""Share of chunks followed by a repeat of an event in the chunk."""
DECISIONS_PER_PROGRAMME = 25


class Tap:
    """Releases a number of events, in order of demand."""

    def __init__(self) -> None:
        self.released = self._left = 0
        self._closed = False
        self._changed = asyncio.Event()

    def release(self, number: int) -> None:
        self.released += number
        self._left += number
        self._changed.set()

    def close(self) -> None:
        """Released events may still be taken; then the tap ends."""
        self._closed = True
        self._changed.set()

    async def take(self, most: int) -> int:
        """The number of events to submit now, up to a maximum; 0 after the end."""
        while not self._left and not self._closed:
            self._changed.clear()
            await self._changed.wait()
        taken = min(most, self._left)
        self._left -= taken
        return taken


class Crowd:
    """Three cities and, where funding takes part, an authority. ``submitted`` is every event, by organisation."""

    def __init__(
        self, stage: Stage, watcher: Watcher, cities: Sequence[Organisation], authority: Organisation
    ) -> None:
        self.tap = Tap()
        self.cities, self.authority = cities, authority
        self._watcher = watcher
        self._random = random.Random(stage.random.random())
        self._programmes = [new_id()]
        self._funds = "funding" in stage.services
        everybody = [*cities, authority] if self._funds else cities
        services: list[Service] = ["registry", "funding"] if self._funds else ["registry"]
        self.kafka = {(each.oin, name): KafkaSubmitter(each, name) for each in everybody for name in services}
        self.http = {(each.oin, name): HttpSubmitter(each, name, stage) for each in everybody for name in services}
        self.organisations = everybody
        self.submitted: dict[Place, list[str]] = {place: [] for place in self.kafka}
        self.finished: asyncio.Task[None]

    async def begin(self) -> None:
        """The first programme, needed by the rest."""
        if self._funds:
            await self._submit(self.http, self.authority, "funding", [opened(self.authority, self._programmes[0])])

    async def run(self) -> None:
        """Until the tap is closed and dry."""
        async with asyncio.TaskGroup() as tasks:
            for submitters in (self.kafka, self.http):
                for city in self.cities:
                    initiatives = Initiatives(city, self._random)
                    tasks.create_task(self._flow(submitters, city, "registry", iter(initiatives)))
                    if self._funds:
                        applications = iter(Applications(city, self._programmes, initiatives))
                        tasks.create_task(self._flow(submitters, city, "funding", applications))
                if self._funds:
                    tasks.create_task(self._decide(submitters))

    async def close(self) -> None:
        for submitter in self.kafka.values():
            await submitter.close()

    async def is_served(self) -> list[str]:
        """Submit a new event for every organisation through every entry point, and wait for the canonical events.

        Returns the ids of the phase changes for the subscriber.
        """
        probes: list[tuple[Organisation, Service, list[Event]]] = []
        for each in self.organisations:
            source = Initiatives(each, self._random)
            probes.append((each, "registry", [source.register(), _next_phase(each, source)]))
            if self._funds:
                probes.append((each, "funding", [self._about_funding(each, source)]))
        async with asyncio.TaskGroup() as tasks:
            for submitters, chosen in ((self.kafka, probes), (self.http, self._others(probes))):
                for organisation, service, events in chosen:
                    tasks.create_task(self._submit(submitters, organisation, service, events))
                    tasks.create_task(self._watcher.seen([event["id"] for event in events]))
        return [event["id"] for _, service, events in probes if service == "registry" for event in events[1:]]

    def _others(
        self, probes: list[tuple[Organisation, Service, list[Event]]]
    ) -> Iterator[tuple[Organisation, Service, list[Event]]]:
        """The same over the other entry point, about other subjects."""
        for organisation, service, _ in probes:
            source = Initiatives(organisation, self._random)
            if service == "registry":
                yield organisation, service, [source.register(), _next_phase(organisation, source)]
            else:
                yield organisation, service, [self._about_funding(organisation, source)]

    def _about_funding(self, organisation: Organisation, initiatives: Initiatives) -> Event:
        if organisation is self.authority:
            return opened(organisation, new_id())
        return Applications(organisation, self._programmes, initiatives).apply()

    async def _flow(self, submitters: Submitters, of: Organisation, to: Service, source: Iterator[Event]) -> None:
        while number := await self.tap.take(self._random.randint(1, CHUNK_MAX)):
            await self._submit(submitters, of, to, list(islice(source, number)))

    async def _decide(self, submitters: Submitters) -> None:
        """Decide on known applications, and open the next programme from time to time."""
        made = 0
        while number := await self.tap.take(self._random.randint(1, CHUNK_MAX)):
            known = [orjson.loads(await self._watcher.applications.get()) for _ in range(number)]
            await self._submit(
                submitters, self.authority, "funding", [decided(self.authority, each) for each in known]
            )
            made += number
            if made >= DECISIONS_PER_PROGRAMME:
                made, programme = 0, new_id()
                await self._submit(self.http, self.authority, "funding", [opened(self.authority, programme)])
                self._programmes.append(programme)

    async def _submit(self, submitters: Submitters, of: Organisation, to: Service, events: list[Event]) -> None:
        self.submitted[of.oin, to] += [event["id"] for event in events]
        await submitters[of.oin, to].submit(events)
        if self._random.random() < REPEATED:
            again = self._random.choice(events)
            # Through the other entry point a change could arrive before the events it depends on.
            other: Submitters = (
                self._random.choice([self.kafka, self.http]) if self._watcher.has_seen(again["id"]) else submitters
            )
            await other[of.oin, to].submit([again])


def _next_phase(organisation: Organisation, source: Initiatives) -> Event:
    about = {"initiative_id": source.registered[-1], "based_on_version": 1, "phase": "pilot"}
    return organisation.event("initiative-phase-changed", about)
