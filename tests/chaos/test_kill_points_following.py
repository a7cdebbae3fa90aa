"""Funding dies while it follows the registry and wakes what waited for it: each application is decided once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from deploy.local.system import LocalSystem
from tests.chaos.workload import Workload, law_holds, post_until_answered
from tests.funding.rounds import Round
from tests.kit.doors import post_batch
from tests.kit.events import initiative, new_id
from tests.kit.lives import Life, begin, begin_ready
from tests.kit.organisations import admit
from tests.kit.reading import answers_of
from tests.kit.waiting import eventually

SOME = ["projector.commit", "positions.lock", "waker.commit", "waiting.leave"]
POINTS = [*SOME, "projector.begin", "waker.begin"]


@dataclass(frozen=True, slots=True)
class Stage:
    """A registry that lives on, and a programme that is open; funding is not running."""

    system: LocalSystem
    round: Round


@pytest_asyncio.fixture(scope="module")
async def stage(bare_system: LocalSystem) -> AsyncIterator[Stage]:
    registry = await begin_ready(bare_system, "registry")
    funding = await begin_ready(bare_system, "funding")
    ministry = await admit(bare_system, "ministry", ("grant-authority",))
    opened = Round(ministry, await admit(bare_system), new_id())
    event = opened.opened(10**12)

    async def is_open() -> bool:
        await post_until_answered(ministry, "funding", event)
        return any(answer["outcome"] == "accepted" for answer in await answers_of(ministry, "funding"))

    try:
        await eventually(is_open, 30)
        funding.kill()
        yield Stage(bare_system, opened)
    finally:
        funding.kill()
        registry.kill()


@pytest.mark.parametrize("point", SOME)
async def test_funding_dies_at(stage: Stage, point: str) -> None:
    await _dies_at(stage, f"{point}:1")


@pytest.mark.long
@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("point", POINTS)
async def test_funding_dies_again_at(stage: Stage, point: str, times: int) -> None:
    await _dies_at(stage, f"{point}:{times}")


async def _dies_at(stage: Stage, moment: str) -> None:
    first = begin(stage.system, "funding", moment)
    second: Life | None = None
    try:
        async with asyncio.timeout(90), asyncio.TaskGroup() as tasks:
            working = tasks.create_task(_apply_until_it_ends(first, stage.round))
            await first.ends(60)
            second = begin(stage.system, "funding")
        for work in working.result():
            await work.is_answered_once()
        await law_holds(stage.system, "funding", [stage.round.rijk, stage.round.city])
    finally:
        for life in filter(None, (first, second)):
            life.kill()


async def _apply_until_it_ends(life: Life, round: Round) -> list[Workload]:
    """Rounds of applications that come before the initiatives they name."""
    rounds: list[Workload] = []
    while not rounds or not life.has_ended:
        named = [initiative() for _ in range(12)]
        applications = [round.application(100, initiative_id=each["initiative_id"]) for each in named]
        rounds.append(Workload(round.city, "funding", applications[:8], applications[8:]))
        await rounds[-1].run()
        registered = [round.city.event("initiative-registered", each) for each in named]
        assert {answer["outcome"] for answer in await post_batch(round.city, "registry", registered)} == {"accepted"}
    return rounds
