"""Definitions of tables, indexes and views: every index names existing columns, and the provinces are complete."""

import sqlite3

import pytest
from samenspel.client.replica.table_definitions import (
    COVERING,
    index_definitions,
    indexes_of,
    municipalities,
    table_definitions,
    view_definitions,
)
from samenspel.client.replica.tables import TABLES

PROVINCES = 12
MUNICIPALITIES = 342


@pytest.mark.parametrize("schema", ["main", "temp"])
def test_every_definition_is_valid_sql(schema: str) -> None:
    with sqlite3.connect(":memory:") as memory:
        for definitions in (table_definitions, index_definitions, view_definitions):
            for statement in definitions(schema):  # type: ignore[operator]
                memory.execute(statement)
    memory.close()


def test_covering_indexes_are_of_existing_tables() -> None:
    every = {each.name for table in TABLES.values() for each in (table, *table.lists)}
    assert COVERING.keys() <= every


def test_each_reference_begins_one_index() -> None:
    for table in TABLES.values():
        first = [columns[0] for columns in indexes_of(table)]
        assert {column.name for column in table.columns if column.is_reference} <= set(first)
        assert len(first) == len(set(first))


def test_every_municipality_has_one_province() -> None:
    rows = municipalities()
    assert rows == sorted(rows)
    assert len(rows) == len(dict(rows)) == MUNICIPALITIES
    assert len({province for _, province in rows}) == PROVINCES
    assert dict(rows)["GM0344"] == "Utrecht"
