"""Tables follow from the models of the catalogue: a kind that is added has a table without further code."""

import pytest
from pydantic import Field
from samenspel.client.replica.tables import TABLES, table_of
from samenspel.contracts.catalogue import AGGREGATES, Aggregate
from samenspel.contracts.example_states import EXAMPLE_STATES
from samenspel.contracts.topics import FUNDING
from samenspel.contracts.values import Cents, Day, Id, Line, Model, Oin, Period, Version


class Part(Model):
    payer: Oin | None = None
    amount_cents: Cents
    period: Period


class Payment(Model):
    """A kind of aggregate that does not exist yet."""

    payment_id: Id
    payer: Oin
    paid_on: Day | None = None
    is_final: bool = False
    period: Period | None = None
    parts: tuple[Part, ...] = Field(default=(), max_length=3)
    labels: tuple[Line, ...] | None = None
    version: Version


def test_every_kind_has_a_table_and_every_field_a_column() -> None:
    assert TABLES.keys() == AGGREGATES.keys()
    for name, table in TABLES.items():
        known = {column.path[0] for column in table.columns} | {each.path[0] for each in table.lists} | {table.key}
        assert known == set(AGGREGATES[name].model.model_fields)


def test_new_kind_has_columns_lists_totals_and_references() -> None:
    table = table_of(Aggregate("payment.v1", FUNDING, Payment, "A payment"))
    assert table.name == "payment_v1"
    assert table.column_names == (
        "payment_id", "payer", "paid_on", "is_final", "period_start", "period_end", "version",
        "parts_amount_cents", "changed_at", "number",
    )  # fmt: skip
    assert [column.name for column in table.columns if column.is_reference] == ["payer"]
    assert [column.name for column in table.columns if column.type == "integer"] == ["is_final", "version"]
    parts, labels = table.lists
    assert (parts.name, labels.name) == ("payment_v1_parts", "payment_v1_labels")
    assert parts.column_names == ("payment_id", "position", "payer", "amount_cents", "period_start", "period_end")
    assert labels.column_names == ("payment_id", "position", "value")


def test_two_fields_with_one_column_name_are_refused() -> None:
    class Clash(Model):
        clash_id: Id
        period: Period
        period_start: Day

    with pytest.raises(ValueError, match="the same column name"):
        table_of(Aggregate("clash.v1", FUNDING, Clash, "A clash"))


def test_key_of_each_table_is_the_id_in_the_state() -> None:
    assert {name: table.key for name, table in TABLES.items()} == {
        name: next(field for field in AGGREGATES[name].model.model_fields if field in EXAMPLE_STATES[name])
        for name in TABLES
    }
