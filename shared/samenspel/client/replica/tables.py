"""Tables of the current state, derived from the models of the catalogue: a new kind of aggregate needs no code here.

One table per kind: ``initiative.v1`` has the table ``initiative_v1``. A field of a nested object is a column
(``period_start``). A list is a table of its own (``initiative_v1_partners``), one row per item. The sum of the
amounts in a list is a column of the parent (``estimated_costs_amount_cents``).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Final, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from samenspel.contracts.catalogue import AGGREGATES, Aggregate
from samenspel.contracts.values import Id, Model, Oin

ColumnType = Literal["text", "integer"]
AMOUNT: Final = "_cents"
"""End of the name of a field with an amount in euro cents."""
ITEM: Final = "value"
"""Column of a list whose items are no objects."""
EVENT_COLUMNS: Final = ("changed_at", "number")
"""Columns from the last event of the aggregate: the time of recording, and its number in table ``event``."""
_REFERENCES: Final = (Oin, Id)
_JSON: Final = "text"
"""A value that is neither text nor a number is stored as JSON text."""


class TableColumn(NamedTuple):
    """A column. ``path`` leads from the state, or from the item of a list, to the value."""

    name: str
    path: tuple[str, ...]
    type: ColumnType
    is_reference: bool = False
    """Whether the value is an OIN or the id of another aggregate; such a column has an index."""


class Total(NamedTuple):
    """A column with the sum of ``field`` over the items of a list; null without an amount."""

    name: str
    path: tuple[str, ...]
    field: str


@dataclass(frozen=True, slots=True)
class ListTable:
    """Table of one list: a row per item, with the key of the aggregate and the ``position`` from 1."""

    name: str
    key: str
    path: tuple[str, ...]
    columns: tuple[TableColumn, ...]

    @property
    def column_names(self) -> tuple[str, ...]:
        return (self.key, "position", *(column.name for column in self.columns))


@dataclass(frozen=True, slots=True)
class StateTable:
    """Table of one kind of aggregate. ``key`` is the column with the subject, named as the id in the state."""

    name: str
    key: str
    columns: tuple[TableColumn, ...]
    totals: tuple[Total, ...]
    lists: tuple[ListTable, ...]

    @property
    def column_names(self) -> tuple[str, ...]:
        fields = [*(column.name for column in self.columns), *(total.name for total in self.totals)]
        return (self.key, *fields, *EVENT_COLUMNS)


def table_of(aggregate: Aggregate) -> StateTable:
    """The tables of one kind. The first field of the model is the id of the aggregate, which is the subject.

    Raises ValueError when two fields have the same column name.
    """
    name, key = aggregate.name.replace(".", "_"), next(iter(aggregate.model.model_fields))
    columns, lists = list[TableColumn](), list[ListTable]()
    for path, hint in _fields(aggregate.model):
        if get_origin(hint) is tuple:
            lists.append(_list_table(name, key, path, get_args(hint)[0]))
        elif path != (key,):
            columns.append(_column("_".join(path), path, hint))
    totals = tuple(_totals(lists))
    table = StateTable(name, key, tuple(columns), totals, tuple(lists))
    for names in (table.column_names, *(each.column_names for each in lists)):
        if len({*names}) < len(names):
            raise ValueError(f"two fields of {aggregate.name} have the same column name: {names}")
    return table


def _list_table(table: str, key: str, path: tuple[str, ...], item: Any) -> ListTable:
    name, hint = f"{table}_{'_'.join(path)}", _without_none(item)
    if _is_model(hint):
        columns = [_column("_".join(place), place, each) for place, each in _fields(hint)]
    else:
        columns = [_column(ITEM, (), hint)]
    return ListTable(name, key, path, tuple(columns))


def _totals(lists: list[ListTable]) -> Iterator[Total]:
    for each in lists:
        for column in each.columns:
            if column.name.endswith(AMOUNT):
                yield Total(f"{'_'.join(each.path)}_{column.name}", each.path, column.name)


def _fields(model: type[Model], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Path and type of each field; a nested object gives its fields instead."""
    for name, given in get_type_hints(model, include_extras=True).items():
        if name in model.model_fields:
            hint = _without_none(given)
            if _is_model(hint):
                yield from _fields(hint, (*path, name))
            else:
                yield (*path, name), hint


def _column(name: str, path: tuple[str, ...], hint: Any) -> TableColumn:
    return TableColumn(name, path, _type_of(hint), hint in _REFERENCES)


def _type_of(hint: Any) -> ColumnType:
    plain = _plain(hint)
    if get_origin(plain) is Literal:
        return "integer" if all(isinstance(value, int) for value in get_args(plain)) else "text"
    return "integer" if isinstance(plain, type) and issubclass(plain, int) else _JSON


def _without_none(hint: Any) -> Any:
    """``X`` for ``X | None``; any other type as it is."""
    if get_origin(hint) in (Union, UnionType):
        others = [each for each in get_args(hint) if each is not type(None)]
        return _without_none(others[0]) if len(others) == 1 else hint
    return hint if hint in _REFERENCES or get_origin(hint) is not Annotated else _plain(hint)


def _plain(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _is_model(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Model)


TABLES: Final[Mapping[str, StateTable]] = {name: table_of(each) for name, each in AGGREGATES.items()}
"""The table of each kind of aggregate."""
