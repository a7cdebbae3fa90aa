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
from deploy.demo.interruption import kill_during, wait_until_restarted
from deploy.demo.outcome import DeliveryTotals, DemoReport, ProgrammeTotals, ReplicaResult
from deploy.demo.replicas import Replicas
from deploy.demo.sample import Sample, id_of
from deploy.demo.statements import Statements
from deploy.demo.submitters import Submitters
from deploy.local.system import LocalSystem

ShowMessage = Callable[[str], None]
KILLED_SERVICE: Final[Service] = "funding"
SUBSCRIBER: Final = "BTG"
REPLICA_OWNERS: Final = ("Utrecht", "VNG", "BZK", "Borger-Odoorn")
TRANCHES_BEFORE_KILL: Final = (1, 3)
TRANCHES_AFTER_KILL: Final = (4, 6)
"""Tranches that are decided before and after the service is killed."""


class Story:
    """One play on a running system. `play` raises DemoFailed when something in it does not happen."""

    def __init__(self, system: LocalSystem, sample: Sample, show_message: ShowMessage) -> None:
        self.system = system
        self.sample = sample
        self._show_message = show_message
        self._statements = Statements(sample)
        self._promised_sequences: Mapping[str, int] = {}
        self.replicas = Replicas(system)
        self.reference_party = sample.parties[REPLICA_OWNERS[0]]

    async def run(self, began: float) -> DemoReport:
        """``began`` is when all of it began, by `time.monotonic`."""
        deliveries = await self._run_acts()
        replicas = await self._compare_replicas()
        return DemoReport(
            seconds=round(time.monotonic() - began, 1),
            events=replicas[0].events,
            programmes=self.programmes(),
            refused=len(self.refusals()),
            replicas=replicas,
            deliveries=deliveries,
            killed=KILLED_SERVICE,
        )

    async def _run_acts(self) -> DeliveryTotals:
        await self._admit_parties()
        subscriber = self.sample.parties[SUBSCRIBER]
        async with Webhook(self.system.profile, subscriber.oin) as webhook:
            self._show_message(
                f"{subscriber.name} subscribes: it will hear by webhook what is granted and what is reached."
            )
            async with Submitters(self.system.profile, self.sample) as submitters:
                await self._open_programmes(submitters)
                await self._register_initiatives(submitters)
                await self._kill_a_service(submitters)
                await self._decide_the_rest(submitters)
                self._promised_sequences = submitters.promised_sequences
            return await self._wait_for_deliveries(webhook)

    def programmes(self) -> list[ProgrammeTotals]:
        """The programmes of the sample as the witness' copy has them."""
        known = self.replicas.programmes(self.reference_party)
        wanted = [id_of("programme", each.tranche) for each in self.sample.tranches]
        return [known[each] for each in wanted if each in known]

    def refusals(self) -> list[tuple[str, str]]:
        """Application and explanation of what was refused in these programmes."""
        ours = {id_of("programme", each.tranche) for each in self.sample.tranches}
        return [
            (each, why) for programme, each, why in self.replicas.refusals(self.reference_party) if programme in ours
        ]

    async def _admit_parties(self) -> None:
        parties = list(self.sample.parties.values())
        self._show_message(
            f"The operator admits {len(parties)} parties: ministries, VNG, G4 and G40, a small municipality, BTG."
        )
        answers = await admit(self.system.profile, [party.admission for party in parties])
        for party, answer in zip(parties, answers, strict=True):
            if outcome_of(answer) != "accepted":
                raise DemoFailed(f"{party.name} was not admitted: {answer.problems}")

    async def _open_programmes(self, submitters: Submitters) -> None:
        self._show_message("BZK opens four tranches of the Regio Deals as programmes, each under its real ceiling.")
        await submitters.submit(self._statements.programmes())
        ((small, early),) = self._statements.extra_application().items()
        (answer,) = await submitters.submit_without_waiting(small, early)
        if answer is not None and answer.outcome == "deferred":
            self._show_message(
                f"{small} applies over HTTP for an initiative that nobody knows yet: the application waits."
            )

    async def _register_initiatives(self, submitters: Submitters) -> None:
        ideas = self.sample.ideas
        self._show_message(f"{len(ideas)} invented initiatives are registered, over Kafka and HTTP.")
        await submitters.submit(self._statements.registrations())
        await submitters.submit(self._statements.extra_application())
        rollouts = sum(len(idea.rollouts) for idea in ideas)
        self._show_message(f"{rollouts} rollouts start in other cities, and cashiers apply for the first deals.")
        await asyncio.gather(
            submitters.submit(self._statements.rollouts()),
            submitters.submit(self._statements.applications(TRANCHES_BEFORE_KILL)),
        )

    async def _kill_a_service(self, submitters: Submitters) -> None:
        submissions = submitters.start_submitting(self._statements.applications(TRANCHES_AFTER_KILL))
        killed = await kill_during(self.system, KILLED_SERVICE, submissions)
        answered = sum(each.done() for each in submissions)
        self._show_message(
            f"Half-way, {KILLED_SERVICE} (process {killed.pid}) is killed with SIGKILL: "
            f"{answered} of {len(submissions)} cashiers have their answer, and BZK goes on deciding."
        )
        submissions += submitters.start_submitting(self._statements.decisions(TRANCHES_BEFORE_KILL))
        seconds = await wait_until_restarted(self.system, killed)
        await asyncio.gather(*submissions)
        self._show_message(
            f"It was back after {seconds:.1f} s; everybody has an answer, and nobody sent anything again."
        )

    async def _decide_the_rest(self, submitters: Submitters) -> None:
        await submitters.submit(self._statements.decisions(TRANCHES_AFTER_KILL))
        await submitters.submit(self._statements.extra_decision())
        applications = len(self.sample.deals)
        self._show_message(
            f"BZK has decided on all {applications} applications; the last one found its tranche full."
        )

    async def _wait_for_deliveries(self, webhook: Webhook) -> DeliveryTotals:
        await self.replicas.wait_until_reached(self.reference_party, self._promised_sequences)
        deliveries = await webhook.wait_for_deliveries(self.replicas.count(self.reference_party, TYPES))
        self._show_message(f"{deliveries.verified} signed deliveries have reached BTG, and each was verified.")
        return deliveries

    async def _compare_replicas(self) -> list[ReplicaResult]:
        self._show_message("Four organisations bring their own copies up to date and verify them, event by event.")
        return await self.replicas.compare(
            [self.sample.parties[key] for key in REPLICA_OWNERS], self._promised_sequences
        )
