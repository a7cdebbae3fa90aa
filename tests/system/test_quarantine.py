"""A submission with failing processing is answered and quarantined; the operator's action is stored."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import asyncpg
import orjson
import pytest
from samenspel.cli.app import build
from samenspel.contracts.topics import Domain, Service, ingress
from typer.testing import CliRunner, Result

from deploy.local.system import LocalSystem
from tests.conftest import Admit
from tests.support.database import rows
from tests.support.events import Event, initiative, new_id
from tests.support.funding_round import Round, accepted
from tests.support.organisations import Organisation, operator_of, unique_oin
from tests.support.reading import answers_to
from tests.support.submitting import post, send
from tests.support.waiting import eventually

CONSTRAINT = "no_stumbling"


@pytest.fixture
def command(system: LocalSystem, monkeypatch: pytest.MonkeyPatch) -> Iterator[CliRunner]:
    """The command, for the operator of the running system."""
    monkeypatch.setenv("SAMENSPEL_PROFILE", str(system.profile.folder))
    yield CliRunner()


@asynccontextmanager
async def stumbling(system: LocalSystem, service: Service, subject: str) -> AsyncIterator[None]:
    """A service failing on this subject only: the database refuses the state."""
    connection = await asyncpg.connect(system.databases.dsn_with_password(service))
    try:
        await connection.execute(
            f"alter table aggregate add constraint {CONSTRAINT} check (subject <> '{subject}') not valid"
        )
        yield
    finally:
        await connection.execute(f"alter table aggregate drop constraint {CONSTRAINT}")
        await connection.close()


async def _set_apart(system: LocalSystem, city: Organisation) -> tuple[Event, int]:
    """A submission with failing processing among valid submissions, and the number in quarantine."""
    before, broken, after = [city.event("initiative-registered", initiative()) for _ in range(3)]
    async with stumbling(system, "registry", broken["data"]["initiative_id"]):
        await send(city, [before, broken, after])
        answers = await answers_to(city, [each["id"] for each in (before, broken, after)], seconds=40)
    assert [answer["outcome"] for answer in answers.values()] == ["accepted", "rejected", "accepted"]
    assert [problem["code"] for problem in answers[broken["id"]]["problems"]] == ["decision-failed"]
    [row] = await rows(
        system, "registry", "select * from quarantine where topic = $1", ingress("initiatives", city.oin)
    )
    assert (row["reason"], row["offset"], row["value"]) == ("decision-failed", 1, orjson.dumps(broken["data"]))
    return broken, row["number"]


async def test_quarantined_record_is_decided_by_the_operators_retry(
    system: LocalSystem, organisation: Admit, command: CliRunner, operator: Organisation
) -> None:
    city = await organisation()
    broken, number = await _set_apart(system, city)
    assert number in await _listed(command)
    async with stumbling(system, "registry", broken["data"]["initiative_id"]):
        assert await _run(command, "retry", str(number)) == 1
    assert number in await _listed(command)
    assert await _run(command, "retry", str(number), "--why", "the constraint is gone") == 0
    assert number not in await _listed(command)
    await eventually(lambda: _is_told(city, broken, "accepted", "initiatives"), 40)
    assert (await post(city, "registry", broken)).outcome == "repeated"
    shown = await _shown(command, number)
    assert not shown["open"]
    assert [(each["action"], each["outcome"], each["why"], each["operator"]) for each in shown["actions"]] == [
        ("retry", "failed", "", operator.oin),
        ("retry", "accepted", "the constraint is gone", operator.oin),
    ]
    assert await _run(command, "retry", str(number)) == 1


async def test_retry_of_a_record_sent_again_meanwhile_is_repeated(
    system: LocalSystem, organisation: Admit, command: CliRunner
) -> None:
    city = await organisation()
    broken, number = await _set_apart(system, city)
    assert (await post(city, "registry", broken)).outcome == "accepted"
    assert await _run(command, "retry", str(number)) == 0
    assert [each["outcome"] for each in (await _shown(command, number))["actions"]] == ["repeated"]


async def test_deferred_submission_whose_decision_fails_is_quarantined_and_retried(
    system: LocalSystem, organisation: Admit, command: CliRunner
) -> None:
    """Submitted over HTTP, deferred, and failing after the missing event arrived."""
    rijk = await organisation(kind="ministry", roles=("grant-authority",))
    round = Round(rijk, await organisation(), new_id())
    await accepted(rijk, round.opened(1_000))
    oin, operator = unique_oin(), operator_of(system)
    application = round.application(400, beneficiary={"name": "Twente", "oin": oin})
    async with stumbling(system, "funding", application["data"]["application_id"]):
        assert (await post(round.city, "funding", application)).outcome == "deferred"
        stated = {"oin": oin, "name": "Twente", "kind": "network-organisation"}
        await post(operator, "registry", operator.event("organisation-admitted", stated))
        await eventually(lambda: _is_told(round.city, application, "rejected"), 40)
    shown = orjson.loads((await _invoke(command, "list", "--service", "funding", "--json")).stdout)
    [apart] = [each for each in shown if each["organisation"] == round.city.oin]
    assert (apart["reason"], apart["record"]) == ("decision-failed", "http")
    assert await _run(command, "retry", str(apart["number"]), "--service", "funding", "--why", "mended") == 0
    await eventually(lambda: _is_told(round.city, application, "accepted"), 40)
    assert (await post(round.city, "funding", application)).body["first_outcome"] == "accepted"


async def _is_told(city: Organisation, event: Event, outcome: str, domain: Domain = "funding") -> bool:
    """Whether the latest answer of this domain is this answer."""
    return (await answers_to(city, [event["id"]], domain))[event["id"]]["outcome"] == outcome


async def test_discarded_record_stays_with_its_reason(
    system: LocalSystem, organisation: Admit, command: CliRunner
) -> None:
    city = await organisation()
    broken, number = await _set_apart(system, city)
    assert await _run(command, "discard", str(number)) == 2
    assert await _run(command, "discard", str(number), "--why", "sent by mistake, says the city") == 0
    shown = await _shown(command, number)
    assert shown["value"] == {"text": orjson.dumps(broken["data"]).decode()}
    assert [(each["action"], each["why"]) for each in shown["actions"]] == [
        ("discard", "sent by mistake, says the city")
    ]
    assert number in await _listed(command, "--all")


async def test_quarantine_is_visible_to_the_operator_only(system: LocalSystem, organisation: Admit) -> None:
    city = await organisation()
    base = f"{system.services.urls()['registry']}/v1/quarantined-records"
    assert [await _status(base, token) for token in (None, city.credential.token)] == [401, 403]


async def test_openapi_documents_the_quarantine(system: LocalSystem) -> None:
    described = await _get(f"{system.services.urls()['registry']}/v1/openapi.json")
    paths = orjson.loads(described)["paths"]
    act = paths["/v1/quarantined-records/{number}/actions"]["post"]
    assert {"200", "401", "403", "404", "409", "503"} <= set(act["responses"])


async def test_metric_counts_open_quarantined_records(system: LocalSystem) -> None:
    async def agrees() -> bool:
        [row] = await rows(
            system,
            "registry",
            "select count(*) filter (where open) as number from quarantined where reason = 'decision-failed'",
        )
        shown = (await _get(f"{system.services.urls()['registry']}/metrics")).decode()
        return f'samenspel_quarantined_records{{reason="decision-failed"}} {float(row["number"])}' in shown

    await eventually(agrees, 40)


async def test_quarantined_records_and_actions_cannot_be_changed(system: LocalSystem) -> None:
    for statement in (
        "delete from quarantine",
        "update quarantine_action set why = ''",
        "truncate quarantine cascade",
    ):
        with pytest.raises(asyncpg.RaiseError, match="added to, never changed"):
            await rows(system, "registry", statement)


async def _run(command: CliRunner, *arguments: str) -> int:
    return (await _invoke(command, *arguments)).exit_code


async def _listed(command: CliRunner, *options: str) -> set[int]:
    shown = await _invoke(command, "list", "--service", "registry", "--json", *options)
    return {each["number"] for each in orjson.loads(shown.stdout)}


async def _shown(command: CliRunner, number: int) -> dict[str, Any]:
    shown: dict[str, Any] = orjson.loads((await _invoke(command, "show", str(number), "--json")).stdout)
    return shown


async def _invoke(command: CliRunner, *arguments: str) -> Result:
    """In a thread: the command runs a separate event loop."""
    return await asyncio.to_thread(command.invoke, build(), ["quarantine", *arguments])


async def _get(url: str) -> bytes:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return await response.read()


async def _status(url: str, token: str | None) -> int:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        return response.status
