"""``samenspel replica ask | sql``: questions to a replica, now or as of a past moment."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from samenspel.cli.console import (
    Exit,
    TextTable,
    errors_as_messages,
    exit_with,
    plain,
    print_json,
    print_line,
    print_table,
)
from samenspel.cli.options import AsJson, Database
from samenspel.client.read.questions import QUESTIONS, Question
from samenspel.client.replica import ReplicaStore, read_moment

At = Annotated[
    str | None,
    typer.Option("--at", metavar="MOMENT", help="A day, a time with zone, LANE@SEQUENCE, or the number of an event."),
]
Values = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Value of a parameter of the question; may be repeated."),
]


def ask_command(
    db: Database,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the question.")],
    values: Values = None,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Answer a named question from a replica. The name ``list`` shows every question with its parameters."""
    if name == "list":
        _print_questions(as_json)
        return
    question = QUESTIONS.get(name)
    if question is None:
        exit_with(Exit.USAGE, f"no question is called {name}: `samenspel replica ask list --db {db}` shows all names")
    given = dict(each.partition("=")[::2] for each in values or ())
    if {*given} != {*question.parameters}:
        needed = " ".join(f"--set {each}=VALUE" for each in question.parameters) or "no --set"
        exit_with(Exit.USAGE, f"the question {name} needs {needed}")
    with errors_as_messages(), _opened(db, at) as store:
        _print_answer(store, question.sql, given, as_json)


def sql_command(
    db: Database,
    query: Annotated[str, typer.Argument(metavar="SQL", help="One statement of SQL that reads.")],
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Answer SQL over the tables and views of a replica; with --at, as they were at that moment."""
    with errors_as_messages(), _opened(db, at) as store:
        _print_answer(store, query, {}, as_json)


@contextmanager
def _opened(db: Any, at: str | None) -> Iterator[ReplicaStore]:
    """The replica in one snapshot, as of the moment. Raises ReplicaError."""
    moment = None if at is None else read_moment(at)
    with ReplicaStore(db) as store, store.snapshot():
        store.require_tables()
        if moment:
            store.show_moment(moment)
        yield store


def _print_answer(store: ReplicaStore, sql: str, values: Mapping[str, str], as_json: bool) -> None:
    try:
        columns, rows = store.answer(sql, values)
    except sqlite3.Error as error:
        exit_with(Exit.USAGE, f"SQLite cannot answer this: {error}")
    if as_json:
        items = [dict(zip(columns, map(_text, row), strict=True)) for row in rows]
        print_json({"items": items})
        return
    table = TextTable()
    for name in columns:
        table.add_column(plain(name))
    for row in rows:
        table.add_row(*("" if value is None else str(_text(value)) for value in row))
    print_table(table)


def _text(value: Any) -> Any:
    """A value for people and JSON: bytes as hex digits."""
    return value.hex() if isinstance(value, bytes) else value


def _print_questions(as_json: bool) -> None:
    if as_json:
        print_json({"items": [_plain(each) for each in QUESTIONS.values()]})
        return
    for each in QUESTIONS.values():
        parameters = "".join(f" --set {name}=…" for name in each.parameters)
        print_line(f"{each.name}{parameters}: {each.text}")


def _plain(question: Question) -> dict[str, Any]:
    return {
        "name": question.name,
        "text": question.text,
        "sql": question.sql,
        "parameters": list(question.parameters),
    }
