"""Parameters of any statement, taken from the filled tables.

The text of a statement tells the column of most parameters: ``column = $1``, ``unnest($1::text[]) as x (column)``,
``insert into t (column)``. Columns that belong together are taken from the same rows. `SAMPLES` has the others.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

KEYS: Final = 500
"""Rows in an array of keys: the submissions of a batch."""
PAGE: Final = 100
"""Value of ``limit $1``."""
BY_TYPE: Final = {
    "bool": "true",
    "int8": "1",
    "int4": "1",
    "float8": "1",
    "float4": "1",
    "text": "'x'",
    "bytea": "''::bytea",
    "timestamptz": "now()",
}
"""A value for a column that no table has, such as the error text of an attempt."""
QUERY: Final = """
select {shaped}
from (select distinct {values} from (select * from {table} limit 10 * {rows}) r limit {rows}) x
"""
_PARAMETER: Final = re.compile(r"\$(\d+)")
_CALL: Final = re.compile(r"\bunnest\(")
_ALIAS: Final = re.compile(r"\s*(?:with ordinality\s*)?\)?\s*as\s+(?:\w+\s*)?(?:\(([^)]*)\)|(\w+))")
_LEFT: Final = re.compile(r"\(([\w., \n]*)\)\s*in\s*\(\s*select \* from\s*$")
_INSERTED: Final = re.compile(r"insert into \w+(?: as \w+)? \(([^)]*)\)\s*select \* from\s*$")
_VALUES: Final = re.compile(
    r"insert into \w+(?: as \w+)? \(([^)]*)\)\s*(?:values \(|select )([^)]*?)(?:\)|where|from|$)"
)
_TUPLES: Final = re.compile(r"\(([\w., ]+)\)\s*[=<>]+\s*\(([^()]*\$[^()]*)\)")
_COLUMN: Final = re.compile(r"([\w.]+)\s*(?:=|<>|<|>|<=|>=)\s*(?:any\()?\$(\d+)")
_LIMIT: Final = re.compile(r"\blimit \$(\d+)")
_TABLE: Final = re.compile(r"\b(?:from|join|update|into|using)\s+(\w+)")


@dataclass(frozen=True, slots=True)
class Group:
    """Parameters that come from the same rows: the column by number of the parameter."""

    columns: Mapping[int, str]
    is_array: bool


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns of the filled tables, and of these the columns of the primary keys."""

    of: Mapping[str, set[str]]
    keys: Mapping[str, set[str]]


def groups_of(statement: str) -> Iterator[Group]:
    """The groups of parameters whose columns the text tells."""
    for call in _CALL.finditer(statement):
        inside = _balanced(statement, call.end())
        numbers = [int(number) for number in _PARAMETER.findall(inside)]
        names = _names_of_call(statement[: call.start()], statement[call.end() + len(inside) + 1 :])
        if numbers and names:
            yield Group(dict(zip(numbers, names, strict=False)), True)
    for column, number in re.findall(r"([\w.]+)\s*=\s*any\(\$(\d+)", statement):
        yield Group({int(number): column.rpartition(".")[2]}, True)
    if scalars := dict(_scalars(statement)):
        yield Group(scalars, False)


def limits_of(statement: str) -> set[int]:
    return {int(number) for number in _LIMIT.findall(statement)}


def query_of(group: Group, statement: str, types: Sequence[str], columns: Columns) -> str:
    """A query for the values of the group, as texts, one column per parameter."""
    table, found = _table_of(group, statement, columns)
    values = []
    for number, column in group.columns.items():
        is_new = _is_new(column, table, statement, columns)
        values.append(f"{_value(column, types[number - 1], column in found, is_new)} as p{number}")
    shape = _aggregated if group.is_array else lambda number, _: f"p{number}::text"
    return QUERY.format(
        shaped=", ".join(shape(number, statement) for number in group.columns),
        values=", ".join(values),
        table=table,
        rows=KEYS if group.is_array else 1,
    )


def _aggregated(number: int, statement: str) -> str:
    if f"string_to_array(${number}," in statement:
        return f"string_agg(replace(p{number}::text, '\\x', ''), chr(30))"
    return f"array_agg(p{number})::text"


def _table_of(group: Group, statement: str, columns: Columns) -> tuple[str, set[str]]:
    """The first table of the statement with the most columns of the group, and these columns."""
    wanted = set(group.columns.values())
    tables = [name for name in _TABLE.findall(statement) if name in columns.of]
    best = max(tables, key=lambda name: len(wanted & columns.of[name]), default="")
    return best, wanted & columns.of.get(best, set())


def _is_new(column: str, table: str, statement: str, columns: Columns) -> bool:
    """Whether the statement inserts this key, so that the value must not exist yet."""
    inserts = f"insert into {table} " in statement and "on conflict" not in statement
    return inserts and column in columns.keys[table]


def _value(column: str, type_name: str, is_column: bool, is_new: bool) -> str:
    value = f'"{column}"' if is_column else BY_TYPE.get(type_name.removesuffix("[]"), "null")
    return f"{value} || '~'" if is_new and type_name.startswith("text") else value


def _balanced(text: str, start: int) -> str:
    depth = 1
    for place in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if not depth:
            return text[start:place]
    raise AssertionError(f"unbalanced: {text}")


def _names_of_call(before: str, after: str) -> list[str]:
    """Columns of the rows of ``unnest``."""
    if found := _LEFT.search(before):
        return _split(found[1])
    if alias := _ALIAS.match(after):
        return _split(alias[1] or alias[2])
    if found := _INSERTED.search(before):
        return _split(found[1])
    return []


def _scalars(statement: str) -> Iterator[tuple[int, str]]:
    for expression in (_VALUES, _TUPLES):
        for columns, values in expression.findall(statement):
            for column, value in zip(_split(columns), values.split(","), strict=False):
                if found := _PARAMETER.match(value.strip()):
                    yield int(found[1]), column
    for column, number in _COLUMN.findall(statement):
        if f"any(${number}" not in statement:
            yield int(number), column.rpartition(".")[2]


def _split(names: str) -> list[str]:
    return [each.strip().strip('"').rpartition(".")[2] for each in names.split(",")]
