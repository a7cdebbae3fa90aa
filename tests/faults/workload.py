"""Work for a dying service, and the judgement afterwards."""

import asyncio
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import aiohttp
from aiokafka.errors import KafkaConnectionError
from samenspel.contracts.topics import (
    CANONICAL,
    DOMAIN_OF,
    LANES_LOCAL,
    Service,
    receipts,
)

from deploy.local.system import LocalSystem
from tests.support.events import Event
from tests.support.invariants import Replica, judge_at_rest
from tests.support.organisations import Organisation
from tests.support.reading import answers_of, answers_to, read_topics
from tests.support.submitting import Answer, post, send
from tests.support.waiting import eventually


@dataclass(slots=True)
class Workload:
    """The submissions of an organisation to a service: over Kafka in chunks, over HTTP singly until answered."""

    organisation: Organisation
    service: Service
    over_kafka: list[Event]
    over_http: list[Event]
    repeated: list[Event] = field(default_factory=list)
    """Events of `over_kafka` sent a second time."""

    async def run(self, chunk: int = 8) -> None:
        """Submit everything; returns when HTTP has answered and Kafka has acknowledged."""
        posting = asyncio.gather(
            *(post_until_answered(self.organisation, self.service, each) for each in self.over_http)
        )
        sending = [*self.over_kafka, *self.repeated]
        for start in range(0, len(sending), chunk):
            await send_until_acknowledged(self.organisation, sending[start : start + chunk], self.service)
        assert {answer.outcome for answer in await posting} <= {"accepted", "repeated", "deferred"}

    async def is_answered_once(self) -> None:
        """Every record has a single answer, and every submission led to its event once."""
        domain = DOMAIN_OF[self.service]
        ids = [event["id"] for event in (*self.over_kafka, *self.over_http)]

        async def all_accepted() -> dict[str, Any]:
            final = await answers_to(self.organisation, ids, domain, 40)
            outcomes = Counter(answer.get("first_outcome") or answer["outcome"] for answer in final.values())
            assert outcomes == {"accepted": len(ids)}, outcomes
            return final

        final = await eventually(all_accepted, 40)
        answers = await eventually(partial(self._all_answers, set(final)), 40)
        firsts = Counter(answer["id"] for answer in answers if answer["outcome"] == "accepted")
        wrong = [answer for answer in answers if firsts[answer["id"]] != 1]
        assert not wrong, wrong
        undeferred = [answer["record"] for answer in answers if answer["outcome"] != "deferred"]
        records = Counter(record for record in undeferred if record != "http")
        assert set(records.values()) == {1}, [record for record, times in records.items() if times > 1]
        assert len(records) == len(self.over_kafka) + len(self.repeated)

    async def _all_answers(self, ids: Set[str]) -> list[dict[str, Any]]:
        """The answers to these submissions, as soon as every record has one, also a repeated record."""
        answers = [each for each in await answers_of(self.organisation, DOMAIN_OF[self.service]) if each["id"] in ids]
        answered = {answer["record"] for answer in answers} - {"http"}
        wanted = len(self.over_kafka) + len(self.repeated)
        assert len(answered) >= wanted, f"{len(answered)} of {wanted} records answered"
        return answers


async def send_until_acknowledged(organisation: Organisation, events: Sequence[Event], service: Service) -> None:
    """Start a producer when Kafka is reachable; the same producer delivers a record already sent."""

    async def attempt() -> bool:
        try:
            await send(organisation, events, DOMAIN_OF[service])
        except KafkaConnectionError as error:
            raise AssertionError(f"Kafka is away: {error!r}") from None
        return True

    await eventually(attempt, 60)


async def post_until_answered(organisation: Organisation, service: Service, event: Event) -> Answer:
    """Post repeatedly, like a client after a broken connection or a 503."""

    async def attempt() -> Answer:
        try:
            answer = await post(organisation, service, event)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise AssertionError(f"not answered: {error!r}") from None
        if answer.status == 500:
            raise RuntimeError(f"a service that knows no answer: {answer}")
        assert answer.status < 500, answer
        return answer

    return await eventually(attempt, 60)


async def law_holds(
    system: LocalSystem, service: Service, organisations: Sequence[Organisation]
) -> dict[Any, Replica]:
    """At rest: replay every lane of the service from Kafka, and recount the database."""
    domain = DOMAIN_OF[service]
    topics = {topic: LANES_LOCAL for topic, owner in CANONICAL.items() if owner == service}
    topics |= {receipts(domain, each.oin): 1 for each in organisations}
    admin = {
        **organisations[0].kafka,
        "sasl_plain_username": "admin",
        "sasl_plain_password": system.kafka.admin_password,
    }
    lanes = await judge_at_rest(system, service, lambda: read_topics(admin, topics))
    for lane in lanes.values():
        assert all(len(types) == 1 for types in lane.events_of.values())
    return lanes
