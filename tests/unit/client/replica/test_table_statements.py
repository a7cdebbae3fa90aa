"""Statements that write the tables: no data of an event stops a sync or loses a row."""

import orjson
import pytest
from samenspel.client.replica import ReplicaStore
from samenspel.client.replica.table_statements import indexed_columns
from samenspel.client.replica.tables import TABLES

from tests.support.lane_owner import Owner
from tests.support.replicas import sync

HUGE = 2**70
DEEP = b"[" * 1_500 + b"]" * 1_500


@pytest.mark.parametrize(
    "value",
    [
        b"\xff\xfe",
        b"",
        b"{",
        b"7",
        b'{"estimated_costs": 5, "partners": {"a": "b"}}',
        b'{"estimated_costs": ["x", null, {"amount_cents": "many"}], "partners": [[1], {"a": 2}, null]}',
        orjson.dumps({"estimated_costs": [{"amount_cents": 2**63 - 1}] * 3}),
        b'{"version": %d, "title": {"nl": "x"}, "period": "always"}' % HUGE,
        b'{"title": "a", "title": "b"}',
        b'{"title": "\\u0000 \\ud800"}',
        b'{"partners": ' + DEEP + b"}",
    ],
)
def test_data_of_any_form_gives_one_row_with_the_key(store: ReplicaStore, value: bytes) -> None:
    owner = Owner()
    owner.publish("before")
    sync(store, owner)
    owner.publish("a", "initiative.v1", value)
    owner.publish("b", "initiative.v1", value)
    assert sync(store, owner)[0] == 2
    assert list(store.query("select initiative_id from initiative order by 1")) == [("a",), ("b",), ("before",)]


def test_amount_above_the_limit_of_the_contract_is_left_out_of_the_sum(store: ReplicaStore) -> None:
    owner = Owner()
    costs = [{"amount_cents": amount} for amount in (10**15, 10**15 + 1, 2**62, 2**62, 2**62)]
    owner.publish("a", "initiative.v1", orjson.dumps({"estimated_costs": costs}))
    sync(store, owner)
    assert list(store.query("select estimated_cents from initiative")) == [(10**15,)]
    assert list(store.query("select count(*) from initiative_cost")) == [(5,)]


def test_columns_of_indexes_are_written_apart() -> None:
    assert indexed_columns(TABLES["initiative.v1"]) == ["estimated_costs_amount_cents", "lead", "phase", "theme"]
