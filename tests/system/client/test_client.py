"""The walking path on a real Kafka and real services: admitted, emitted, answered, copied, proven."""

import shutil
from pathlib import Path
from uuid import uuid4

import orjson
import pytest
from samenspel.cli.app import build
from samenspel.client.access.errors import EnvironmentUnavailable
from samenspel.client.access.kafka_lanes import KafkaLanes
from samenspel.client.access.profile import Profile
from samenspel.client.admin.admission import admit
from samenspel.client.replica import ReplicaStore, diff, sync_over_http, sync_over_kafka, verify
from samenspel.client.submit.emit import Via, emit, submitter_for
from samenspel.client.submit.receipts import outcome_of
from samenspel.client.submit.statements import Statement, statement
from samenspel.contracts.examples import EXAMPLES
from samenspel.contracts.organisations import OrganisationAdmitted
from samenspel.contracts.topics import CANONICAL
from typer.testing import CliRunner

from deploy.local.system import LocalSystem
from tests.support.organisations import unique_oin
from tests.support.waiting import eventually

SECONDS = 30.0


@pytest.fixture
def profile(system: LocalSystem, tmp_path: Path) -> Profile:
    """A copy of the operator's profile: other tests do not see new organisations."""
    shutil.copytree(system.profile.folder, tmp_path / "profile")
    return Profile(tmp_path / "profile")


def city(oin: str, name: str = "") -> OrganisationAdmitted:
    return OrganisationAdmitted(oin=oin, name=name or f"Gemeente {oin[-6:]}", kind="municipality")


def initiatives(oin: str, number: int) -> list[Statement]:
    example = EXAMPLES["initiative-registered"]
    return [
        statement(oin, "initiative-registered", {**example, "initiative_id": str(uuid4())}) for _ in range(number)
    ]


async def test_repeated_admission_keeps_the_password(profile: Profile) -> None:
    stated = [city(unique_oin()) for _ in range(3)]
    assert [answer.outcome for answer in await admit(profile, stated)] == ["accepted"] * 3
    before = profile.credential(stated[0].oin)
    assert [answer.outcome for answer in await admit(profile, stated)] == ["repeated"] * 3
    assert profile.credential(stated[0].oin).password == before.password
    (answer,) = await admit(profile, [city(stated[0].oin, "Een andere naam")])
    assert outcome_of(answer) == "rejected"
    assert {problem.code for problem in answer.problems} == {"already-exists"}


@pytest.mark.parametrize("via", ["kafka", "http"])
async def test_every_submission_gets_its_final_answer(profile: Profile, via: Via) -> None:
    oin = unique_oin()
    await admit(profile, [city(oin)])
    statements = initiatives(oin, 20)
    statements.append(statement(oin, "rollout-started", {"initiative_id": str(uuid4()), "rollout_id": str(uuid4())}))
    async with submitter_for(profile, oin, via) as opened:
        answers = await opened.submit(statements, SECONDS)
        again = await opened.submit(statements, SECONDS)
    assert [outcome_of(answer) for answer in answers if answer] == ["accepted"] * 20 + ["rejected"]
    assert [answer.outcome for answer in again if answer] == ["repeated"] * 21
    assert [(each.source, each.id) for each in answers if each] == [each.identity for each in statements]


async def test_replica_over_kafka_equals_one_over_http_and_the_owner(profile: Profile, tmp_path: Path) -> None:
    oin = unique_oin()
    await admit(profile, [city(oin)])
    await emit(profile, oin, initiatives(oin, 30), within=SECONDS)
    with (
        ReplicaStore(tmp_path / "kafka.db", create=True) as kafka,
        ReplicaStore(tmp_path / "http.db", create=True) as http,
    ):

        def both_equal() -> bool:
            sync_over_kafka(profile, oin, kafka)
            sync_over_http(profile, oin, http)
            return diff(kafka, http) == []

        await eventually(both_equal, SECONDS)
        report = verify(kafka, profile, oin)
        assert not report.faults
        assert all(lane.equal for lane in report.lanes)
        (count,) = next(kafka.query("select count(*) from initiative where lead = ?", oin))
        assert count == 30


async def test_wrong_password_is_reported_by_kafka_clients(profile: Profile) -> None:
    oin = unique_oin()
    await admit(profile, [city(oin)])
    wrong = profile.credential(oin).model_copy(update={"password": "wrong"})
    profile.save(wrong)
    with pytest.raises(EnvironmentUnavailable, match="refuses user or password"):
        await emit(profile, oin, initiatives(oin, 1))
    with (
        pytest.raises(EnvironmentUnavailable, match="refuses user or password"),
        KafkaLanes(profile.system().kafka, wrong) as lanes,
    ):
        lanes.bounds(list(CANONICAL))


def test_command_admits_submits_and_verifies(
    profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAMENSPEL_PROFILE", str(profile.folder))
    oin, db = unique_oin(), str(tmp_path / "replica.db")

    def run(*arguments: str, given: str = "") -> str:
        shown = CliRunner().invoke(build(), arguments, input=given)
        assert shown.exit_code == 0, shown.output
        return shown.stdout

    run("organisation", "admit", "--oin", oin, "--name", "Gemeente Proef", "--kind", "municipality")
    assert oin in run("organisation", "list", "--json")
    data = {**EXAMPLES["initiative-registered"], "initiative_id": str(uuid4()), "title": "Proef op de som"}
    event = orjson.dumps({"type": "initiative-registered", "data": data}).decode()
    (emitted,) = orjson.loads(run("emit", "-", "--as", oin, "--wait", "--json", given=event))
    assert emitted["answer"]["outcome"] == "accepted"
    tail = run("events", "tail", "--from", "beginning", "--no-follow", "--as", oin)
    assert "Gemeente Proef registered initiative 'Proef op de som' (energy-transition)" in tail
    assert orjson.loads(run("replica", "sync", "--db", db, "--as", oin, "--json"))["applied"] > 0
    verified = orjson.loads(run("replica", "verify", "--db", db, "--as", oin, "--json"))
    assert verified["faults"] == []
