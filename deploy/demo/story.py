"""The demo, act by act. Each act tells what happens in a sentence; what it claims is checked at the end."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

from samenspel.client.admin.admission import admit
from samenspel.client.submit.receipts import outcome_of
from samenspel.contracts.topics import Service

from deploy.demo.deliveries import TYPES, Webhook
from deploy.demo.errors import DemoFailed
from deploy.demo.interruption import back, kill_amid
from deploy.demo.outcome import DeliveryTotals, DemoReport, ProgrammeTotals, ReplicaResult
from deploy.demo.replicas import Replicas
from deploy.demo.sample import Sample, id_of
from deploy.demo.statements import Statements
from deploy.demo.submitters import Submitters
from deploy.local.system import LocalSystem

Tell = Callable[[str], None]
KILLED: Final[Service] = "funding"
LISTENER: Final = "BTG"
COPIES: Final = ("Utrecht", "VNG", "BZK", "Borger-Odoorn")
EARLY: Final = (1, 3)
LATE: Final = (4, 6)
"""Tranches that are decided before and after the service is killed."""


class Story:
    """One play on a running system. `play` raises DemoFailed when something in it does not happen."""

    def __init__(self, system: LocalSystem, sample: Sample, tell: Tell) -> None:
        self.system = system
        self.sample = sample
        self._tell = tell
        self._stated = Statements(sample)
        self._promised: Mapping[str, int] = {}
        self.replicas = Replicas(system)
        self.witness = sample.parties[COPIES[0]]

    async def play(self, began: float) -> DemoReport:
        """``began`` is when all of it began, by `time.monotonic`."""
        deliveries = await self._acts()
        replicas = await self._copies_are_compared()
        return DemoReport(
            seconds=round(time.monotonic() - began, 1),
            events=replicas[0].events,
            programmes=self.programmes(),
            refused=len(self.refusals()),
            replicas=replicas,
            deliveries=deliveries,
            killed=KILLED,
        )

    async def _acts(self) -> DeliveryTotals:
        await self._everybody_joins()
        listener = self.sample.parties[LISTENER]
        async with Webhook(self.system.profile, listener.oin) as webhook:
            self._tell(f"{listener.name} subscribes: it will hear by webhook what is granted and what is reached.")
            async with Submitters(self.system.profile, self.sample) as doors:
                await self._programmes_open(doors)
                await self._initiatives_begin(doors)
                await self._a_service_dies(doors)
                await self._the_ceiling_holds(doors)
                self._promised = doors.promised
            return await self._everything_is_told(webhook)

    def programmes(self) -> list[ProgrammeTotals]:
        """The programmes of the sample as the witness' copy has them."""
        known = self.replicas.programmes(self.witness)
        wanted = [id_of("programme", each.tranche) for each in self.sample.tranches]
        return [known[each] for each in wanted if each in known]

    def refusals(self) -> list[tuple[str, str]]:
        """Application and explanation of what was refused in these programmes."""
        ours = {id_of("programme", each.tranche) for each in self.sample.tranches}
        return [(each, why) for programme, each, why in self.replicas.refusals(self.witness) if programme in ours]

    async def _everybody_joins(self) -> None:
        parties = list(self.sample.parties.values())
        self._tell(
            f"The operator admits {len(parties)} parties: ministries, VNG, G4 and G40, a small municipality, BTG."
        )
        answers = await admit(self.system.profile, [party.admission for party in parties])
        for party, answer in zip(parties, answers, strict=True):
            if outcome_of(answer) != "accepted":
                raise DemoFailed(f"{party.name} was not admitted: {answer.problems}")

    async def _programmes_open(self, doors: Submitters) -> None:
        self._tell("BZK opens four tranches of the Regio Deals as programmes, each under its real ceiling.")
        await doors.submit(self._stated.programmes())
        ((small, early),) = self._stated.one_application_more().items()
        (answer,) = await doors.hand_in(small, early)
        if answer is not None and answer.outcome == "deferred":
            self._tell(f"{small} applies over HTTP for an initiative that nobody knows yet: the application waits.")

    async def _initiatives_begin(self, doors: Submitters) -> None:
        ideas = self.sample.ideas
        self._tell(f"{len(ideas)} invented initiatives are registered, over Kafka and HTTP.")
        await doors.submit(self._stated.registrations())
        await doors.submit(self._stated.one_application_more())
        rollouts = sum(len(idea.rollouts) for idea in ideas)
        self._tell(f"{rollouts} rollouts start in other cities, and cashiers apply for the first deals.")
        await asyncio.gather(
            doors.submit(self._stated.rollouts()),
            doors.submit(self._stated.applications(EARLY)),
        )

    async def _a_service_dies(self, doors: Submitters) -> None:
        flowing = doors.submitting(self._stated.applications(LATE))
        killed = await kill_amid(self.system, KILLED, flowing)
        answered = sum(each.done() for each in flowing)
        self._tell(
            f"Half-way, {KILLED} (process {killed.pid}) is killed with SIGKILL: "
            f"{answered} of {len(flowing)} cashiers have their answer, and BZK goes on deciding."
        )
        flowing += doors.submitting(self._stated.decisions(EARLY))
        seconds = await back(self.system, killed)
        await asyncio.gather(*flowing)
        self._tell(f"It was back after {seconds:.1f} s; everybody has an answer, and nobody sent anything again.")

    async def _the_ceiling_holds(self, doors: Submitters) -> None:
        await doors.submit(self._stated.decisions(LATE))
        await doors.submit(self._stated.one_decision_more())
        applications = len(self.sample.deals)
        self._tell(f"BZK has decided on all {applications} applications; the last one found its tranche full.")

    async def _everything_is_told(self, webhook: Webhook) -> DeliveryTotals:
        await self.replicas.hold(self.witness, self._promised)
        deliveries = await webhook.all_delivered(self.replicas.count(self.witness, TYPES))
        self._tell(f"{deliveries.verified} signed deliveries have reached BTG, and each was verified.")
        return deliveries

    async def _copies_are_compared(self) -> list[ReplicaResult]:
        self._tell("Four organisations bring their own copies up to date and verify them, event by event.")
        return await self.replicas.compared([self.sample.parties[key] for key in COPIES], self._promised)
