"""Only an admitted organisation reads, as far as the service knows."""

import pytest
from fastapi import HTTPException
from samenspel.contracts.topics import ORGANISATIONS
from samenspel.messaging.service import read_admission
from samenspel.messaging.service.read_admission import ReadAdmission

from tests.support.deciders import FACT, arrive
from tests.support.service_schema import OPERATOR, Room, statement, submission

CITY = FACT[1]


@pytest.fixture(autouse=True)
def _no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_admission, "REFUSE_SECONDS", 0.0)


class Clock:
    """A clock set by the test, and the answer to whether everything was read."""

    def __init__(self) -> None:
        self.now = 0.0
        self.is_complete = True

    async def complete(self) -> bool:
        return self.is_complete


def admission(room: Room, clock: Clock) -> ReadAdmission:
    return ReadAdmission(room.pool, OPERATOR, clock.complete, lambda: clock.now)


async def status_of(given: ReadAdmission, organisation: str) -> int:
    try:
        await given.require(organisation)
    except HTTPException as refusal:
        return refusal.status_code
    return 200


async def test_organisation_that_was_never_admitted_reads_nothing(registry: Room) -> None:
    given = admission(registry, Clock())
    assert await status_of(given, CITY) == 403
    assert await status_of(given, OPERATOR) == 200
    await arrive(registry)
    assert await status_of(given, CITY) == 200


async def test_organisation_of_the_owner_itself_is_admitted(registry: Room) -> None:
    await registry.open_lanes(OPERATOR)
    stated = {"oin": CITY, "name": "Gemeente Utrecht", "kind": "municipality"}
    await registry.settle(submission(statement("organisation-admitted", stated)))
    assert await status_of(admission(registry, Clock()), CITY) == 200


async def test_unknown_organisation_may_try_again_while_not_everything_was_read(registry: Room) -> None:
    clock = Clock()
    clock.is_complete = False
    assert await status_of(admission(registry, clock), CITY) == 503


async def test_admission_on_a_diverged_lane_is_judged_by_the_last_state_before(registry: Room) -> None:
    await arrive(registry)
    await registry.pool.execute("insert into checkpoint (topic, lane, diverged_at) values ($1, 0, 2)", ORGANISATIONS)
    assert await status_of(admission(registry, Clock()), CITY) == 200


async def test_admission_is_remembered_for_seconds(registry: Room) -> None:
    clock = Clock()
    given = admission(registry, clock)
    await arrive(registry)
    assert await status_of(given, CITY) == 200
    await registry.pool.execute("delete from projection")
    clock.now = read_admission.KNOWN_SECONDS - 0.1
    assert await status_of(given, CITY) == 200
    clock.now = read_admission.KNOWN_SECONDS
    assert await status_of(given, CITY) == 403


async def test_remembered_admissions_are_bounded(registry: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_admission, "REMEMBERED_MAX", 1)
    given = admission(registry, Clock())
    await arrive(registry)
    for _ in range(2):
        assert await status_of(given, CITY) == 200
        given._remember("another")
    assert len(given._known_until) == 1
