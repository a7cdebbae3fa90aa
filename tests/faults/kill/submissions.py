"""The submissions to each service while dying: rounds past every point of the catalogue."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final

from samenspel.contracts.catalogue import type_name

from tests.faults.kill.failing_decider import retry, stumbling
from tests.faults.kill.harness import PATIENCE, Stage
from tests.faults.workload import post_until_answered
from tests.support.events import Event, initiative, new_id
from tests.support.funding_round import Round
from tests.support.organisations import operator_of, unique_oin
from tests.support.subscribers import subscriber_for
from tests.support.waiting import eventually
from tests.support.webhook_receivers import Told

CEILING_CENTS: Final = 1_000
ASKED_CENTS: Final = 300
"""Per application, of eight: three fit whole, the fourth in part."""


class Work(ABC):
    """Rounds for a stage."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    @abstractmethod
    async def round(self) -> None:
        """Submit over Kafka and HTTP, some twice; returns after all final answers."""


class Registering(Work):
    """Initiatives, changes, a refused submission, and a submission with a failing decision until repaired.

    A submission of the first round is sent again in each round: soon its answer has no details any more.
    """

    _earlier: Event | None = None

    async def round(self) -> None:
        city = self.stage.organisation
        if self._earlier:
            await post_until_answered(city, "registry", self._earlier)
        events = [city.event("initiative-registered", initiative()) for _ in range(14)]
        refused = city.event("initiative-registered", {"initiative_id": new_id()})
        async with stumbling(self.stage, [events[3]["data"]["initiative_id"]]):
            await self.stage.submit([*events[:8], refused], events[8:])
            await retry(self.stage, "failed")
        await retry(self.stage, "accepted")
        changes = [
            city.event(
                "initiative-changed",
                {"initiative_id": event["data"]["initiative_id"], "based_on_version": 1, "title": "Anders"},
            )
            for event in events[4:12]
        ]
        await self.stage.submit(changes[:5], changes[5:])
        self._earlier = self._earlier or changes[0]


class Funding(Work):
    """A programme with more requested than available, and applications earlier than the events they refer to.

    Two deferred applications, over Kafka and over HTTP, have failing decisions until repaired. One decision waits for
    its application, and then for the initiative that the grant requires.
    """

    async def round(self) -> None:
        rijk = self.stage.organisation
        round = Round(rijk, rijk, new_id())
        early, late = initiative(), initiative()
        await self._register(early)
        await self.stage.submit([], [round.opened(CEILING_CENTS, grant_requires_initiative=True)])
        beneficiaries = [unique_oin() for _ in range(6)]
        applications = [
            round.application(
                ASKED_CENTS, initiative_id=early["initiative_id"], beneficiary={"name": "Twente", **optional}
            )
            for optional in [*({"oin": oin} for oin in beneficiaries), {}, {}]
        ]
        applications[0]["data"]["initiative_id"] = late["initiative_id"]
        broken = [applications[number]["data"]["application_id"] for number in (4, 5)]
        decision = round.grant(applications[0])
        async with stumbling(self.stage, broken), asyncio.TaskGroup() as tasks:
            tasks.create_task(self.stage.submit(applications[:5], applications[5:]))
            await eventually(lambda: self._all_heard(applications), PATIENCE, "a first answer to each application")
            tasks.create_task(self.stage.submit([], [decision]))
            await eventually(lambda: self._all_heard([decision]), PATIENCE, "a first answer to the decision")
            for oin in beneficiaries:
                await self._admit(oin)
            await eventually(lambda: self._waits_for_initiative(decision), PATIENCE, "a grant without its initiative")
            await self._register(late)
        await retry(self.stage, "accepted")
        decisions = [round.grant(each) for each in applications[1:]]
        await self.stage.submit(decisions[:5], decisions[5:])

    def _all_heard(self, events: Sequence[Event]) -> bool:
        self.stage.log.require_whole()
        return all(self.stage.log.answers[event["id"]] for event in events)

    async def _register(self, data: Event) -> None:
        rijk = self.stage.organisation
        await post_until_answered(rijk, "registry", rijk.event("initiative-registered", data))

    async def _admit(self, oin: str) -> None:
        operator = operator_of(self.stage.system)
        stated = {"oin": oin, "name": f"Gemeente {oin[-12:]}", "kind": "municipality"}
        await post_until_answered(operator, "registry", operator.event("organisation-admitted", stated))

    async def _waits_for_initiative(self, decision: Event) -> bool:
        """The application that the decision waited for is accepted: the decision now waits for something else."""
        query = "select from deferral where id = $1 and needs_aggregate = 'initiative.v1'"
        return bool(await self.stage.database.fetch(query, decision["id"]))


class Subscribing(Work):
    """New and ended subscriptions, with a receiver of all events."""

    def __init__(self, stage: Stage, told: Told) -> None:
        super().__init__(stage)
        self._told = told

    async def subscribe(self) -> None:
        """Have all of this told through the proxy before the receiver."""
        endpoint = f"http://127.0.0.1:{self.stage.proxies['receiver'].port}/"
        types = [type_name("subscription-created", 2), type_name("subscription-cancelled", 2)]
        async with subscriber_for(self.stage.organisation) as subscriber:
            wanted = {"endpoint": endpoint, "types": types, "start": "beginning"}
            status, _, body = await subscriber.call("POST", "/subscriptions", json=wanted)
            assert status in (201, 202), body

    async def round(self) -> None:
        city = self.stage.organisation
        ids = [new_id() for _ in range(8)]
        created = [city.event("subscription-created", {"subscription_id": each, "delivery": "pull"}) for each in ids]
        await self.stage.submit(created[:5], created[5:])
        ended = [city.event("subscription-cancelled", {"subscription_id": each}) for each in ids[:4]]
        await self.stage.submit(ended[:2], ended[2:])
        await eventually(lambda: self._is_told(ids), PATIENCE, "the receiver told")

    def _is_told(self, ids: Sequence[str]) -> bool:
        """Every event of each subject was accepted, none before an earlier event."""
        for subject in ids:
            wanted = sorted(
                sequence for cause in self._causes(subject) for _, sequence, _, _ in self.stage.log.facts[cause]
            )
            taken = self._told.taken(subject)
            assert taken == sorted(taken), (subject, taken)
            if not wanted or sorted(set(taken)) != wanted:
                return False
        return True

    def _causes(self, subject: str) -> list[tuple[str, str, str]]:
        city = self.stage.organisation
        return [
            (city.oin, city.source, event["id"])
            for submitted in self.stage.submitted
            for event in submitted.events
            if event["data"]["subscription_id"] == subject
        ]
