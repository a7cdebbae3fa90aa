"""The command: data on stdout, talk on stderr, exit codes, and no traceback for what a user can meet."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from samenspel.cli.app import build
from samenspel.client.access.profile import Credential, KafkaAccess, Profile, System
from samenspel.contracts.catalogue import EVENT_TYPES, SUBMISSIONS
from samenspel.contracts.examples import EXAMPLES
from typer.testing import CliRunner, Result

OIN = "00000099000000000344"
NOWHERE = "127.0.0.1:1"


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Profile]:
    """A profile of a system that does not run."""
    made = Profile(tmp_path / "profile")
    http = {service: f"http://{NOWHERE}" for service in ("registry", "funding", "notifier")}
    kafka = KafkaAccess(bootstrap=NOWHERE, security_protocol="SASL_PLAINTEXT")
    made.save_system(System(kafka=kafka, http=http))  # type: ignore[arg-type]
    made.save(Credential(name="Gemeente Utrecht", oin=OIN, username=OIN, password="p", token="t"))
    monkeypatch.setenv("SAMENSPEL_PROFILE", str(made.folder))
    yield made


def run(*arguments: str, given: str = "") -> Result:
    return CliRunner().invoke(build(), arguments, input=given)


def line(fact: str = "initiative-registered", **changes: object) -> str:
    return orjson.dumps({"type": fact, "data": {**EXAMPLES[fact], **changes}}).decode() + "\n"


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["emit"],
        ["catalogue"],
        ["organisation", "admit"],
        ["organisation", "list"],
        ["events", "tail"],
        ["replica", "sync"],
        ["replica", "verify"],
        ["replica", "diff"],
        ["receive"],
        ["funding", "explain"],
        ["lanes", "list"],
        ["lanes", "recover"],
        ["lanes", "new-timeline"],
        ["quarantine", "list"],
        ["quarantine", "retry"],
        ["up"],
    ],
)
def test_every_command_explains_itself(command: list[str]) -> None:
    shown = run(*command, "--help")
    assert shown.exit_code == 0
    assert "Usage" in shown.stdout


def test_what_is_piped_has_each_row_whole_on_one_line() -> None:
    command = [sys.executable, "-c", "from samenspel.cli import main; main()", "catalogue"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    lines = [line.rstrip() for line in shown.stdout.splitlines()]
    assert all(any(line.endswith(fact.meaning) for line in lines) for fact in EVENT_TYPES.values())


def test_the_catalogue_holds_every_type() -> None:
    shown = orjson.loads(run("catalogue", "--json").stdout)
    assert {each["type"] for each in shown["submissions"]} == set(SUBMISSIONS)
    assert {each["type"] for each in shown["facts"]} == set(EVENT_TYPES)


@pytest.mark.parametrize("fact", EXAMPLES)
def test_every_example_can_be_emitted(fact: str, profile: Profile) -> None:
    example = run("catalogue", fact, "--example").stdout
    assert run("emit", "-", "--as", OIN, "--check", given=example).exit_code == 0


def test_a_schema_is_shown_by_short_and_full_name_and_for_an_aggregate() -> None:
    short, full = (
        run("catalogue", "programme-opened", "--schema"),
        run("catalogue", "nl.samenspel.programme-opened.v1", "--schema"),
    )
    assert orjson.loads(short.stdout) == orjson.loads(full.stdout)
    assert "properties" in orjson.loads(run("catalogue", "programme.v1").stdout)


def test_an_unknown_type_is_wrong_usage() -> None:
    assert run("catalogue", "nonsense").exit_code == 2
    assert run("events", "tail", "--type", "nonsense").exit_code == 2


def test_checking_finds_every_problem_with_its_line(profile: Profile) -> None:
    given = line() + line(title="", theme="cats") + line("rollout-started")
    shown = run("emit", "-", "--as", "gemeente utrecht", "--check", "--json", given=given)
    assert shown.exit_code == 1
    checked = orjson.loads(shown.stdout)
    assert [each["valid"] for each in checked] == [True, False, True]
    assert {problem["field"] for problem in checked[1]["problems"]} == {"/title", "/theme"}
    assert checked[1]["place"] == "-:2"


def test_lines_that_cannot_be_read_are_all_named_and_nothing_is_sent(profile: Profile) -> None:
    given = line() + "{nonsense\n" + "[1]\n" + '{"type": "initiative-registerd", "data": {}}\n' + '{"a": 1, "a": 2}\n'
    shown = run("emit", "-", "--as", OIN, given=given)
    assert shown.exit_code == 1
    assert shown.stdout == ""
    for number in (2, 3, 5):
        assert f"-:{number}:" in shown.stderr
    assert "nothing was sent" in shown.stderr


def test_a_misspelt_type_is_helped(profile: Profile) -> None:
    shown = run("emit", "-", "--as", OIN, given='{"type": "initiative-registerd", "data": {}}')
    assert shown.exit_code == 1
    assert "did you mean 'initiative-registered'" in shown.stderr


def test_a_whole_file_and_an_array_are_read_too(profile: Profile, tmp_path: Path) -> None:
    event = {"type": "rollout-started", "data": EXAMPLES["rollout-started"]}
    for content in (event, [event, event]):
        file = tmp_path / "events.json"
        file.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))
        shown = run("emit", str(file), "--as", OIN, "--check", "--json")
        assert shown.exit_code == 0, shown.stderr
        assert len(orjson.loads(shown.stdout)) == (2 if isinstance(content, list) else 1)


def test_a_file_that_is_not_there_is_wrong_usage(profile: Profile) -> None:
    shown = run("emit", "absent.ndjson", "--as", OIN)
    assert shown.exit_code == 2
    assert "absent.ndjson" in shown.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["emit", "-", "--as", OIN],
        ["emit", "-", "--as", OIN, "--via", "http"],
        ["organisation", "list"],
        ["replica", "sync", "--db", "replica.db", "--via", "http"],
    ],
)
def test_a_system_that_does_not_answer_is_said_in_a_sentence(
    command: list[str], profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = run(*command, given=line())
    assert shown.exit_code == 3, shown.output
    assert "does not answer" in shown.stderr
    assert shown.stdout == ""


def test_an_organisation_that_we_cannot_speak_for_is_said(profile: Profile) -> None:
    shown = run("emit", "-", "--as", "Gemeente Nergens", given=line())
    assert shown.exit_code == 3
    assert "Gemeente Utrecht" in shown.stderr, "who there is"


def test_organisations_are_checked_before_anything_is_made(profile: Profile) -> None:
    bad = '{"oin": "12", "name": "X", "kind": "municipality"}\n{"oin": "00000099000000000363", "kind": "castle"}\n'
    shown = run("organisation", "admit", "-", given=bad)
    assert shown.exit_code == 1
    for found in ("-:1: /oin", "-:2: /name", "-:2: /kind"):
        assert found in shown.stderr
    assert run("organisation", "admit", "--oin", OIN).exit_code == 2


def test_a_replica_that_is_not_there_is_said(tmp_path: Path) -> None:
    shown = run("replica", "verify", "--offline", "--db", str(tmp_path / "absent.db"))
    assert shown.exit_code == 3
    assert "replica sync" in shown.stderr
