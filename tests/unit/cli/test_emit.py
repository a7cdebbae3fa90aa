"""`samenspel emit`: reading of files, problems with line numbers, exit codes."""

from pathlib import Path

import orjson
import pytest
from samenspel.client.access.profile import Profile
from samenspel.contracts.examples import EXAMPLES

from tests.support.cli import OIN, line, run


@pytest.mark.parametrize("fact", EXAMPLES)
def test_every_example_can_be_emitted(fact: str, profile: Profile) -> None:
    example = run("catalogue", fact, "--example").stdout
    assert run("emit", "-", "--as", OIN, "--check", given=example).exit_code == 0


def test_check_reports_every_problem_with_its_line(profile: Profile) -> None:
    given = line() + line(title="", theme="cats") + line("rollout-started")
    shown = run("emit", "-", "--as", "gemeente utrecht", "--check", "--json", given=given)
    assert shown.exit_code == 1
    checked = orjson.loads(shown.stdout)
    assert [each["valid"] for each in checked] == [True, False, True]
    assert {problem["field"] for problem in checked[1]["problems"]} == {"/title", "/theme"}
    assert checked[1]["place"] == "-:2"


def test_unreadable_lines_are_all_named_and_nothing_is_sent(profile: Profile) -> None:
    given = line() + "{nonsense\n" + "[1]\n" + '{"type": "initiative-registerd", "data": {}}\n' + '{"a": 1, "a": 2}\n'
    shown = run("emit", "-", "--as", OIN, given=given)
    assert shown.exit_code == 1
    assert shown.stdout == ""
    for number in (2, 3, 5):
        assert f"-:{number}:" in shown.stderr
    assert "nothing was sent" in shown.stderr


def test_misspelt_type_gets_a_suggestion(profile: Profile) -> None:
    shown = run("emit", "-", "--as", OIN, given='{"type": "initiative-registerd", "data": {}}')
    assert shown.exit_code == 1
    assert "did you mean 'initiative-registered'" in shown.stderr


def test_whole_file_and_an_array_are_read_too(profile: Profile, tmp_path: Path) -> None:
    event = {"type": "rollout-started", "data": EXAMPLES["rollout-started"]}
    for content in (event, [event, event]):
        file = tmp_path / "events.json"
        file.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))
        shown = run("emit", str(file), "--as", OIN, "--check", "--json")
        assert shown.exit_code == 0, shown.stderr
        assert len(orjson.loads(shown.stdout)) == (2 if isinstance(content, list) else 1)


def test_absent_file_is_wrong_usage(profile: Profile) -> None:
    shown = run("emit", "absent.ndjson", "--as", OIN)
    assert shown.exit_code == 2
    assert "absent.ndjson" in shown.stderr


def test_unknown_organisation_ends_with_3_and_the_known_names(profile: Profile) -> None:
    shown = run("emit", "-", "--as", "Gemeente Nergens", given=line())
    assert shown.exit_code == 3
    assert "Gemeente Utrecht" in shown.stderr, "who there is"
