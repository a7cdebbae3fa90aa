"""The steps of the demo. Each step prints one sentence; `outcome` checks the results at the end."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

from samenspel.client.admin.admission import admit
from samenspel.client.submit.receipts import latest_outcome
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

PrintMessage = Callable[[str], None]
KILLED_SERVICE: Final[Service] = "funding"
SUBSCRIBER: Final = "BTG"
REPLICA_OWNERS: Final = ("Utrecht", "VNG", "BZK", "Borger-Odoorn")
TRANCHES_BEFORE_KILL: Final = (1, 3)
TRANCHES_AFTER_KILL: Final = (4, 6)
"""Tranches that are decided before and after the kill of the service."""


class Story:
    """One run of the demo on a running system. `run` raises DemoFailed if a step fails."""

    def __init__(self, system: LocalSystem, sample: Sample, print_message: PrintMessage) -> None:
        self.system = system
        self.sample = sample
        self._print = print_message
        self._statements = Statements(sample)
        self._promised: Mapping[str, int] = {}
        self.replicas = Replicas(system)
        self.witness = sample.parties[REPLICA_OWNERS[0]]

    async def run(self, began: float) -> DemoReport:
        """``began`` is the start time of the command, by `time.monotonic`."""
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
            self._print(
                f"{subscriber.name} subscribes by webhook to decisions on applications and reached milestones."
            )
            async with Submitters(self.system.profile, self.sample) as submitters:
                await self._open_programmes(submitters)
                await self._register_initiatives(submitters)
                await self._kill_a_service(submitters)
                await self._decide_the_rest(submitters)
                self._promised = submitters.promised
            return await self._wait_for_deliveries(webhook)

    def programmes(self) -> list[ProgrammeTotals]:
        """The programmes of the sample, from the replica of the witness."""
        known = self.replicas.programmes(self.witness)
        wanted = [id_of("programme", each.tranche) for each in self.sample.tranches]
        return [known[each] for each in wanted if each in known]

    def refusals(self) -> list[tuple[str, str]]:
        """Application and explanation of each refusal in the sample's programmes."""
        ours = {id_of("programme", each.tranche) for each in self.sample.tranches}
        return [(each, why) for programme, each, why in self.replicas.refusals(self.witness) if programme in ours]

    async def _admit_parties(self) -> None:
        parties = list(self.sample.parties.values())
        self._print(
            f"The operator admits {len(parties)} parties: ministries, VNG, G4 and G40, a small municipality, BTG."
        )
        answers = await admit(self.system.profile, [party.admission for party in parties])
        for party, answer in zip(parties, answers, strict=True):
            if latest_outcome(answer) != "accepted":
                raise DemoFailed(f"{party.name} was not admitted: {answer.problems}")

    async def _open_programmes(self, submitters: Submitters) -> None:
        self._print("BZK opens four tranches of the Regio Deals as programmes, each with the real ceiling.")
        await submitters.submit(self._statements.programmes())
        ((small, early),) = self._statements.extra_application().items()
        (answer,) = await submitters.submit_without_waiting(small, early)
        if answer is not None and answer.outcome == "accepted":
            self._print(
                f"{small} applies over HTTP for an unregistered initiative: the application is accepted, "
                "and its link is marked as not registered yet."
            )

    async def _register_initiatives(self, submitters: Submitters) -> None:
        ideas = self.sample.ideas
        self._print(f"{len(ideas)} invented initiatives are registered, over Kafka and HTTP.")
        await submitters.submit(self._statements.registrations())
        rollouts = sum(len(idea.rollouts) for idea in ideas)
        self._print(f"{rollouts} rollouts start in other cities, and cashiers apply for the first deals.")
        await asyncio.gather(
            submitters.submit(self._statements.rollouts()),
            submitters.submit(self._statements.applications(TRANCHES_BEFORE_KILL)),
        )

    async def _kill_a_service(self, submitters: Submitters) -> None:
        submissions = submitters.start_submitting(self._statements.applications(TRANCHES_AFTER_KILL))
        killed = await kill_during(self.system, KILLED_SERVICE, submissions)
        answered = sum(each.done() for each in submissions)
        self._print(
            f"{KILLED_SERVICE} (process {killed.pid}) is killed with SIGKILL during the submissions: "
            f"{answered} of {len(submissions)} cashiers have an answer, and BZK continues to submit decisions."
        )
        submissions += submitters.start_submitting(self._statements.decisions(TRANCHES_BEFORE_KILL))
        seconds = await wait_until_restarted(self.system, killed)
        await asyncio.gather(*submissions)
        self._print(
            f"{KILLED_SERVICE} was ready again after {seconds:.1f} s. "
            "Every submission has an answer, and no submission was sent again."
        )

    async def _decide_the_rest(self, submitters: Submitters) -> None:
        await submitters.submit(self._statements.decisions(TRANCHES_AFTER_KILL))
        await submitters.submit(self._statements.extra_decision())
        applications = len(self.sample.deals)
        self._print(f"BZK has decided on all {applications} applications; the last application exceeded the ceiling.")

    async def _wait_for_deliveries(self, webhook: Webhook) -> DeliveryTotals:
        await self.replicas.wait_until_reached(self.witness, self._promised)
        deliveries = await webhook.wait_for_deliveries(self.replicas.count(self.witness, TYPES))
        self._print(f"BTG received {deliveries.verified} signed deliveries and verified each signature.")
        return deliveries

    async def _compare_replicas(self) -> list[ReplicaResult]:
        self._print("Four organisations synchronise their own replicas and verify every event.")
        return await self.replicas.compare([self.sample.parties[key] for key in REPLICA_OWNERS], self._promised)
