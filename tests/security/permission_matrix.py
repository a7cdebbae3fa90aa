"""Permissions of each principal on Kafka: the table checked against the running broker and shown in SECURITY.md."""

from typing import Final

MATRIX: Final = """\
| on Kafka | registry | funding | notifier | organisation | administrator | anybody else |
|---|---|---|---|---|---|---|
| topic `samenspel.in.initiatives.<own>` | D R | – | – | D W | D R W C A X | – |
| topic `samenspel.in.initiatives.<another>` | D R | – | – | – | D R W C A X | – |
| topic `samenspel.in.funding.<own>` | – | D R | – | D W | D R W C A X | – |
| topic `samenspel.in.funding.<another>` | – | D R | – | – | D R W C A X | – |
| topic `samenspel.in.notifications.<own>` | – | – | D R | D W | D R W C A X | – |
| topic `samenspel.in.notifications.<another>` | – | – | D R | – | D R W C A X | – |
| topic `samenspel.initiatives` | D R W | D R | D R | D R | D R W C A X | – |
| topic `samenspel.organisations` | D R W | D R | D R | D R | D R W C A X | – |
| topic `samenspel.funding` | D R | D R W | D R | D R | D R W C A X | – |
| topic `samenspel.notifications` | D R | D R | D R W | D R | D R W C A X | – |
| topic `samenspel.receipts.initiatives.<own>` | D R W | – | – | D R | D R W C A X | – |
| topic `samenspel.receipts.initiatives.<another>` | D R W | – | – | – | D R W C A X | – |
| topic `samenspel.receipts.funding.<own>` | – | D R W | – | D R | D R W C A X | – |
| topic `samenspel.receipts.funding.<another>` | – | D R W | – | – | D R W C A X | – |
| topic `samenspel.receipts.notifications.<own>` | – | – | D R W | D R | D R W C A X | – |
| topic `samenspel.receipts.notifications.<another>` | – | – | D R W | – | D R W C A X | – |
| topic `samenspel.in.initiatives` | – | – | – | – | D R W C A X | – |
| topic `samenspel.new` | – | – | – | – | D R W C A X | – |
| topic `elsewhere` | – | – | – | – | D R W C A X | – |
| topic `__consumer_offsets` | – | – | – | – | D R W C A X | – |
| topic `__transaction_state` | – | – | – | – | D R W C A X | – |
| group `samenspel-registry-…` | D R | – | – | – | D R X | – |
| group `samenspel-funding-…` | – | D R | – | – | D R X | – |
| group `samenspel-notifier-…` | – | – | D R | – | D R X | – |
| group `<own>.…` | – | – | – | D R | D R X | – |
| group `<another>.…` | – | – | – | – | D R X | – |
| group `elsewhere` | – | – | – | – | D R X | – |
"""
"""D describe, R read (of a group: take part), W write, C create, A alter settings, X delete."""

Expected = dict[str, str]
"""Name of a topic or group → letters, as `access.Rights`."""


def columns() -> list[str]:
    """The principals, by column name."""
    return _cells(MATRIX.splitlines()[0])[1:]


def expected(column: str, resource: str, own: str, another: str) -> Expected:
    """The permissions of this principal on the topics or groups of the table, for these two OINs."""
    place = columns().index(column) + 1
    rows = [_cells(line) for line in MATRIX.splitlines()[2:]]
    return {
        _named(cells[0], own, another): cells[place].replace(" ", "").replace("–", "")
        for cells in rows
        if cells[0].startswith(resource)
    }


def _named(cell: str, own: str, another: str) -> str:
    name = cell.partition("`")[2].rstrip("`")
    return name.replace("<own>", own).replace("<another>", another).replace("…", "of-nobody")


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]
