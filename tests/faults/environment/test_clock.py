"""A service's clock jumps an hour ahead, and an hour back: only tokens notice, and nothing is lost."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

import orjson
import pytest_asyncio
from samenspel.client.access.local_issuer import Issuer
from samenspel.contracts.topics import Service

from deploy.local.system import LocalSystem
from tests.faults.workload import law_holds
from tests.support.events import Event, initiative, new_id
from tests.support.funding_round import Round, accepted
from tests.support.organisations import Organisation, admit, operator_of, unique_oin
from tests.support.reading import answers_to
from tests.support.service_process import begin
from tests.support.shifted_clock import VARIABLE
from tests.support.submitting import STRUCTURED, Answer, post, post_raw, send
from tests.support.waiting import eventually

HOUR = 3_600
SERVICES: tuple[Service, ...] = ("registry", "funding")


@dataclass(frozen=True, slots=True)
class Clock:
    """The clock of both services."""

    file: Path

    def is_ahead(self, seconds: float) -> None:
        new = self.file.with_suffix(".new")
        new.write_text(str(seconds))
        new.replace(self.file)


@pytest_asyncio.fixture
async def clock(bare_system: LocalSystem, tmp_path: Path) -> AsyncIterator[Clock]:
    moved = Clock(tmp_path / "clock")
    moved.is_ahead(0)
    changes = {VARIABLE: str(moved.file)}
    lives = [begin(bare_system, each, changes=changes, program="tests.support.shifted_clock") for each in SERVICES]
    for each in SERVICES:
        await eventually(partial(bare_system.services.is_ready, each), 60, f"a ready {each}")
    yield moved
    for life in lives:
        life.kill()


async def test_services_lose_nothing_when_the_clock_jumps_an_hour_ahead_and_back(
    bare_system: LocalSystem, clock: Clock
) -> None:
    city = await admit(bare_system)
    rijk = await admit(bare_system, kind="ministry", roles=("grant-authority",))
    round = Round(rijk, city, new_id())
    await accepted(rijk, round.opened(1_000))
    late = unique_oin()
    patient = round.application(100, beneficiary={"name": "Twente", "oin": late})
    assert (await post(city, "funding", patient)).status == 202

    clock.is_ahead(HOUR)
    assert (await _with_a_token_for(timedelta(minutes=5), city)).status == 401
    await _works(round)
    assert (await post(city, "funding", patient)).status == 202, "five days are not over: a clock was set"

    clock.is_ahead(-HOUR)
    await _works_over_kafka(round)

    clock.is_ahead(0)
    assert (await _with_a_token_for(timedelta(minutes=5), city)).status == 200
    await admitted(operator_of(bare_system), late)
    await accepted(city, patient)
    for service in SERVICES:
        await law_holds(bare_system, service, [city, rijk, operator_of(bare_system)])


async def _works(round: Round) -> None:
    """A deferred submission is decided after the missing event arrives, so the worker has polled all deferrals by
    then.
    """
    oin = unique_oin()
    application = round.application(1, beneficiary={"name": "Twente", "oin": oin})
    assert (await post(round.city, "funding", application)).status == 202
    await admitted(operator_of(round.city.system), oin)
    await accepted(round.city, application)
    await accepted(round.rijk, round.grant(application))


async def _works_over_kafka(round: Round) -> None:
    """Over HTTP a token may be refused while the clock is back (issued in the future). Records have no such check."""
    oin, operator = unique_oin(), operator_of(round.city.system)
    application = round.application(1, beneficiary={"name": "Twente", "oin": oin})
    admission = operator.event("organisation-admitted", admission_of(oin))
    await send(round.city, [application], "funding")
    await send(operator, [admission])
    for by, event, domain in ((operator, admission, "initiatives"), (round.city, application, "funding")):
        await eventually(partial(_is_accepted, by, event, domain), 60)


async def _is_accepted(by: Organisation, event: Event, domain: str) -> bool:
    answer = (await answers_to(by, [event["id"]], domain, 60))[event["id"]]  # type: ignore[arg-type]
    return bool(answer["outcome"] == "accepted")


def admission_of(oin: str) -> Event:
    return {"oin": oin, "name": f"Stichting {oin[-12:]}", "kind": "network-organisation"}


async def admitted(operator: Organisation, oin: str) -> None:
    answer = await post(operator, "registry", operator.event("organisation-admitted", admission_of(oin)))
    assert answer.outcome == "accepted", answer


async def _with_a_token_for(time: timedelta, by: Organisation) -> Answer:
    token = Issuer(by.system.profile.issuer_folder).mint(by.oin, valid_for=time)
    event = by.event("initiative-registered", initiative())
    headers = {"content-type": STRUCTURED, "authorization": f"Bearer {token}"}
    return await post_raw(by, "registry", orjson.dumps(event), headers)
