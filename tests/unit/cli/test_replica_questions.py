"""`samenspel replica ask | sql`: answers as a table and as JSON, now and at a past moment; and wrong questions."""

import sqlite3
from pathlib import Path

import orjson
import pytest
from samenspel.client.replica import ReplicaStore

from tests.support.cli import run
from tests.support.replicas import replica
from tests.unit.client.replica.test_current_state import later, story


@pytest.fixture
def db(tmp_path: Path) -> str:
    owner = story()
    later(owner)
    return str(replica(tmp_path / "r.db", owner))


def test_question_is_answered_as_json_and_as_a_table(db: str) -> None:
    asked = run("replica", "ask", "initiatives-by-theme", "--db", db, "--json")
    assert (asked.exit_code, orjson.loads(asked.stdout)["items"][0]["theme"]) == (0, "energy-transition")
    assert "theme" in run("replica", "ask", "initiatives-by-theme", "--db", db).stdout.splitlines()[0]


def test_question_with_a_parameter_needs_its_value(db: str) -> None:
    refused = run("replica", "ask", "adopters-of-an-initiative", "--db", db)
    assert (refused.exit_code, "--set initiative_id=VALUE" in refused.stderr) == (2, True)
    shown = run("replica", "ask", "adopters-of-an-initiative", "--db", db, "--set", "initiative_id=x", "--json")
    assert (shown.exit_code, orjson.loads(shown.stdout)) == (0, {"items": []})


def test_list_shows_every_question_with_its_parameters(db: str) -> None:
    assert "milestones-late --set day=…: Which" in run("replica", "ask", "list", "--db", db).stdout
    assert len(orjson.loads(run("replica", "ask", "list", "--db", db, "--json").stdout)["items"]) == 8


def test_unknown_question_ends_with_2_and_names_the_list(db: str) -> None:
    shown = run("replica", "ask", "how-are-you", "--db", db)
    assert (shown.exit_code, "replica ask list" in shown.stderr) == (2, True)


def test_sql_is_answered_as_of_a_moment(db: str) -> None:
    def count(*options: str) -> int:
        shown = run("replica", "sql", "select count(*) as n from initiative", "--db", db, "--json", *options)
        return int(orjson.loads(shown.stdout)["items"][0]["n"])

    assert (count(), count("--at", "9"), count("--at", "0")) == (3, 2, 0)


@pytest.mark.parametrize("statement", ["delete from event", "drop table event", "select", "select 1; select 2"])
def test_sql_that_writes_or_is_wrong_ends_with_2_and_changes_nothing(db: str, statement: str) -> None:
    before = Path(db).read_bytes()
    shown = run("replica", "sql", statement, "--db", db, "--at", "3")
    assert (shown.exit_code, shown.stderr.startswith("SQLite cannot answer this")) == (2, True)
    assert Path(db).read_bytes() == before


def test_wrong_moment_ends_with_3_and_one_sentence(db: str) -> None:
    shown = run("replica", "sql", "select 1", "--db", db, "--at", "yesterday")
    assert (shown.exit_code, len(shown.stderr.splitlines())) == (3, 1)


def test_file_without_tables_ends_with_3_and_the_command_that_adds_them(tmp_path: Path, db: str) -> None:
    with sqlite3.connect(db) as connection:
        connection.execute("pragma user_version = 1")
    connection.close()
    shown = run("replica", "ask", "initiatives-count", "--db", db)
    assert (shown.exit_code, "replica sync --db" in shown.stderr) == (3, True)


def test_bytes_are_shown_as_hex_digits(db: str) -> None:
    shown = run("replica", "sql", "select hash from event limit 1", "--db", db, "--json")
    with ReplicaStore(Path(db)) as store:
        (expected,) = next(store.query("select hash from event limit 1"))
    assert orjson.loads(shown.stdout)["items"] == [{"hash": expected.hex()}]
