"""The tables of the current state, folded from the log by other code than the product's."""

from collections.abc import Iterator
from typing import Any, Final

import orjson
from samenspel.client.replica import ReplicaStore
from samenspel.client.replica.tables import TABLES, ListTable, StateTable
from samenspel.contracts.sequencing import is_removal

Tables = dict[str, list[tuple[Any, ...]]]
_LOG: Final = "select aggregate, subject, number, time, value from event order by number"


def folded(store: ReplicaStore) -> Tables:
    """Rows of each table by the log alone: the last event of each aggregate that is not removed."""
    last: dict[tuple[str, str], tuple[Any, ...]] = {}
    for aggregate, subject, number, time, value in store.query(_LOG):
        last[aggregate, subject] = number, time, value
    rows: Tables = {name: [] for name in _names()}
    for (aggregate, subject), (number, time, value) in last.items():
        raw = value.encode() if isinstance(value, str) else value
        if is_removal(raw):
            continue
        if aggregate in TABLES:
            _add(rows, TABLES[aggregate], subject, _data(raw), (time, number))
        else:
            rows["other_aggregate"].append((aggregate, subject, time, number))
    return {name: sorted(each, key=repr) for name, each in rows.items()}


def stored(store: ReplicaStore) -> Tables:
    """Rows of each table in the file."""
    return {name: sorted(store.query(f"select * from {name}"), key=repr) for name in _names()}  # noqa: S608


def _names() -> Iterator[str]:
    for table in TABLES.values():
        yield table.name
        yield from (each.name for each in table.lists)
    yield "other_aggregate"


def _add(rows: Tables, table: StateTable, subject: str, data: Any, event: tuple[str, int]) -> None:
    fields = [_at(data, column.path) for column in table.columns]
    totals = []
    for total in table.totals:
        items = _at(data, total.path)
        given = [_at(item, (total.field,)) for item in (items if isinstance(items, list) else ())]
        amounts = [amount for amount in given if amount is not None]
        totals.append(sum(amounts) if amounts else None)
    rows[table.name].append((subject, *fields, *totals, *event))
    for each in table.lists:
        items = _at(data, each.path)
        for place, item in enumerate(items if isinstance(items, list) else (), 1):
            rows[each.name].append((subject, place, *_item(each, item)))


def _item(table: ListTable, item: Any) -> Iterator[Any]:
    for column in table.columns:
        yield _at(item, column.path) if column.path else item


def _at(data: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        data = data.get(name) if isinstance(data, dict) else None
    return data


def _data(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
