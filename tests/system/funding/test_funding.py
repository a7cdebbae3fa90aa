"""Funding on the running system: through both entry points, at once, and never above the ceiling."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import orjson
import pytest
from aiokafka import ConsumerRecord
from samenspel.contracts.topics import FUNDING, LANES_LOCAL, lane_of

from deploy.local.system import LocalSystem
from services.funding import store
from tests.conftest import Admit
from tests.support.events import new_id
from tests.support.funding_round import Round, accepted, most_granted, settled
from tests.support.invariants import judge_at_rest
from tests.support.reading import answers_to, canonical
from tests.support.submitting import post, post_batch, send

pytestmark = pytest.mark.system


@pytest.fixture
async def database(system: LocalSystem) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    connection = await asyncpg.connect(system.databases.dsn_with_password("funding"))
    yield connection
    await connection.close()


async def test_funding_round_is_granted_to_its_ceiling_with_explained_decisions(round: Round) -> None:
    await accepted(round.rijk, round.opened(1_000))
    applications = [round.application(cents) for cents in (700, 500, 1)]
    for application in applications:
        await accepted(round.city, application)
        assert (await round.state_of(application)).keys() == {
            "application_id",
            "programme_id",
            "applicant",
            "received_at",
            "status",
            "version",
        }

    for application in applications:
        assert (await post(round.rijk, "funding", round.grant(application))).outcome == "accepted"

    first, second, third = [await round.state_of(application) for application in applications]
    assert [each["status"] for each in (first, second, third)] == ["granted", "granted-in-part", "refused"]
    assert [each["requested_cents"] for each in (first, second, third)] == [700, 500, 1]
    assert second["decision"] == {
        "decided_on": "2026-04-01",
        "recorded_at": second["decision"]["recorded_at"],
        "rule": "limited-to-ceiling",
        "article": "Awb 4:25 lid 2",
        "asked_cents": 500,
        "ceiling_cents": 1_000,
        "room_before_cents": 300,
        "granted_cents": 300,
        "room_after_cents": 0,
        "grounds": ["ceiling-exceeded"],
    }
    assert (third["decision"]["rule"], third["decision"]["grounds"]) == ("ceiling-reached", ["ceiling-exceeded"])
    assert (await round.programme())["left_cents"] == 0


async def test_funding_round_in_one_batch_is_granted_to_its_ceiling(organisation: Admit) -> None:
    """Opened, applied for and decided in a transaction."""
    rijk = await organisation(kind="ministry", roles=("grant-authority",))
    await accepted(rijk, Round(rijk, rijk, new_id()).opened(1))  # so the service knows this organisation
    round = Round(rijk, rijk, new_id())
    applications = [round.application(400) for _ in range(4)]
    decisions = [round.grant(application) for application in applications]

    answers = await post_batch(rijk, "funding", [round.opened(1_000), *applications, *decisions])

    assert {answer["outcome"] for answer in answers} == {"accepted"}
    states = [await round.state_of(application) for application in applications]
    assert [state["decision"]["granted_cents"] for state in states] == [400, 400, 200, 0]
    assert {state["decision"]["recorded_at"] for state in states} == {states[0]["decision"]["recorded_at"]}
    assert (await round.programme())["granted_cents"] == 1_000


async def test_organisation_without_the_right_is_refused(round: Round) -> None:
    await accepted(round.rijk, round.opened(1_000))
    opened_by_city = round.city.event("programme-opened", round.opened(1)["data"] | {"programme_id": new_id()})
    application = round.application(10)
    await accepted(round.city, application)
    decided_by_city = round.city.event("application-decided", round.grant(application)["data"])

    for event in (opened_by_city, decided_by_city):
        answer = await settled(round.city, event)
        assert (answer.status, answer.codes) == (403, {"not-permitted"})
    await accepted(round.rijk, round.refusal(application, "provision-not-met"))
    again = await post(round.rijk, "funding", round.grant(application))
    assert (again.status, again.codes) == (409, {"already-decided"})


async def test_concurrent_decisions_over_kafka_and_http_never_exceed_the_ceiling(round: Round) -> None:
    ceiling, applications = 1_000, [round.application(70) for _ in range(30)]
    await accepted(round.rijk, round.opened(ceiling))
    await accepted(round.city, applications[0])
    await post_batch(round.city, "funding", applications[1:])
    decisions = [round.grant(application) for application in applications]

    await asyncio.gather(
        send(round.rijk, decisions[::2], "funding"),
        *(post(round.rijk, "funding", decision) for decision in decisions[1::2]),
    )
    answers = await answers_to(round.rijk, [decision["id"] for decision in decisions], "funding")

    assert {answer["outcome"] for answer in answers.values()} == {"accepted"}
    states = [await round.state_of(application) for application in applications]
    assert sorted(state["status"] for state in states) == ["granted"] * 14 + ["granted-in-part"] + ["refused"] * 15
    assert sum(state["decision"]["granted_cents"] for state in states) == ceiling
    assert (await round.programme())["granted_cents"] == ceiling


async def test_application_id_is_used_once_in_one_programme(round: Round, organisation: Admit) -> None:
    """Two applicants in two programmes on two lanes share no lock: still, only the first gets the id."""
    other = Round(round.rijk, await organisation(), new_id())
    while lane_of(other.programme_id, LANES_LOCAL) == lane_of(round.programme_id, LANES_LOCAL):
        other = replace(other, programme_id=new_id())
    for each in (round, other):
        await accepted(each.rijk, each.opened(1_000))
        await accepted(each.city, each.application(1))

    for id in [new_id() for _ in range(20)]:
        answers = await asyncio.gather(
            *(post(each.city, "funding", each.application(10, application_id=id)) for each in (round, other))
        )
        assert sorted(answer.status for answer in answers) == [200, 409], answers


async def test_database_refuses_to_exceed_a_ceiling(
    round: Round, database: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await accepted(round.rijk, round.opened(1_000))

    for past_the_guard in ("granted_cents = ceiling_cents + 1", "granted_cents = -1", "ceiling_cents = 0"):
        with pytest.raises(asyncpg.CheckViolationError):
            await database.execute(
                f"update budget set {past_the_guard} where programme_id = $1",  # noqa: S608  # three texts of our own
                round.programme_id,
            )
    with pytest.raises(store.CeilingExceeded):
        async with database.transaction():
            await store.commit_grants(database, Counter({round.programme_id: 1_001}))
    assert (await round.programme())["granted_cents"] == 0


async def test_page_continues_behind_an_id(round: Round) -> None:
    await accepted(round.rijk, round.opened(1_000))
    applications = [round.application(1) for _ in range(3)]
    for application in applications:
        await accepted(round.city, application)
    ids = sorted(application["data"]["application_id"] for application in applications)
    path = f"/v1/programmes/{round.programme_id}/applications"

    page = (await round.show(f"{path}?limit=2"))["items"]
    rest = (await round.show(f"{path}?after={page[-1]['application_id']}"))["items"]

    assert [each["application_id"] for each in page + rest] == ids
    listed = (await round.show(f"/v1/programmes?after={round.programme_id[:-1]}&limit=1"))["items"]
    assert listed == [await round.programme()]


@pytest.mark.parametrize("path", ["programmes/{}", "programmes/{}/applications", "applications/{}"])
async def test_unknown_id_is_not_found_over_http(round: Round, path: str) -> None:
    assert (await round.show("/v1/" + path.format(new_id()), 404))["status"] == 404


async def test_log_shows_that_no_ceiling_was_ever_exceeded(system: LocalSystem, round: Round) -> None:
    await accepted(round.rijk, round.opened(1_000))
    application = round.application(2_000)
    await accepted(round.city, application)
    await accepted(round.rijk, round.grant(application))

    records: list[ConsumerRecord] = []

    async def read() -> list[ConsumerRecord]:
        records[:] = await canonical(round.city, FUNDING)
        return records

    await judge_at_rest(system, "funding", read)
    assert most_granted(records)[round.programme_id] == 1_000
    assert not any(b"Laadpleinen" in record.value for record in records if is_undecided(record.value))


def is_undecided(value: bytes) -> bool:
    return bool(orjson.loads(value).get("status") == "submitted")
