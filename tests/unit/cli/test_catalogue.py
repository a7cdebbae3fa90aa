"""`samenspel catalogue`: types, examples and schemas."""

import orjson
from samenspel.contracts.catalogue import EVENT_TYPES, SUBMISSIONS

from tests.support.cli import run


def test_catalogue_lists_every_type() -> None:
    shown = orjson.loads(run("catalogue", "--json").stdout)
    assert {each["type"] for each in shown["submissions"]} == set(SUBMISSIONS)
    assert {each["type"] for each in shown["facts"]} == set(EVENT_TYPES)


def test_schema_is_shown_for_short_and_full_names_and_aggregates() -> None:
    short, full = (
        run("catalogue", "programme-opened", "--schema"),
        run("catalogue", "nl.samenspel.programme-opened.v1", "--schema"),
    )
    assert orjson.loads(short.stdout) == orjson.loads(full.stdout)
    assert "properties" in orjson.loads(run("catalogue", "programme.v1").stdout)


def test_unknown_type_is_wrong_usage() -> None:
    assert run("catalogue", "nonsense").exit_code == 2
