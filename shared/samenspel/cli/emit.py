"""``samenspel emit``: what happened on your side, told to all."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from samenspel.cli.console import Exit, data, plainly, print_json, talk
from samenspel.cli.options import As, AsJson, Via
from samenspel.client.access.profile import Profile
from samenspel.client.submit.emit import emit as emit_statements
from samenspel.client.submit.json_lines import BadLines, Entry, read_entries
from samenspel.client.submit.receipts import outcome_of
from samenspel.client.submit.statements import Statement, from_object
from samenspel.contracts.catalogue import SUBMISSIONS
from samenspel.contracts.problems import Problem, Rejected
from samenspel.contracts.receipts import Answer
from samenspel.contracts.submissions import read_submission


def emit(
    files: Annotated[list[str], typer.Argument(metavar="FILE…", help="NDJSON, or one event per file; - is stdin.")],
    organisation: As,
    via: Via = "kafka",
    wait: Annotated[bool, typer.Option("--wait", help="Collect the final answers; 1 when any is no.")] = False,
    seconds: Annotated[float, typer.Option("--time-out", help="Seconds to wait for them.", min=0)] = 60.0,
    again: Annotated[int, typer.Option(help="Say the same once more, on purpose.", min=0)] = 0,
    check: Annotated[bool, typer.Option("--check", help="Run the real rules here; send nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Emit events. A line may be as bare as {"type": "initiative-registered", "data": {…}}.

    The id follows from the content, so that emitting a file twice is harmless.
    """
    with plainly():
        profile = Profile.find()
        oin = profile.credential(organisation).oin
        entries = read_entries(files)
        statements = _statements(entries, oin, again)
        if check:
            return _show_checks(entries, statements, oin, as_json)
        within = seconds if wait else None
        with _bar(len(statements)) as (bar, task):
            answers = asyncio.run(
                emit_statements(
                    profile,
                    oin,
                    statements,
                    via=via,
                    within=within,
                    progress=lambda number: bar.advance(task, number),
                )
            )
    talk.print(f"{len(statements)} event(s) sent over {via}")
    return _show_answers(entries, statements, answers, as_json) if wait or via == "http" else None


class _bar:
    """Progress on stderr: how many have arrived at the other side."""

    def __init__(self, total: int) -> None:
        columns = (TextColumn("sending"), BarColumn(), MofNCompleteColumn())
        self._progress = Progress(*columns, console=talk, transient=True, disable=not talk.is_terminal)
        self._total = total

    def __enter__(self) -> tuple[Progress, Any]:
        self._progress.start()
        return self._progress, self._progress.add_task("sending", total=self._total)

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


def _statements(entries: Sequence[Entry], oin: str, again: int) -> list[Statement]:
    """All of them, or BadLines for those that cannot even be sent."""
    statements: list[Statement] = []
    problems: list[str] = []
    for entry in entries:
        try:
            statements.append(from_object(oin, entry.value, again=again))
        except ValueError as error:
            problems.append(f"{entry.place}: {error}")
    if problems:
        raise BadLines(problems)
    return statements


def _show_checks(entries: Sequence[Entry], statements: Sequence[Statement], oin: str, as_json: bool) -> None:
    """What the service would find wrong before it looks at what it knows."""
    found = [_problems_in(each, oin) for each in statements]
    wrong = sum(1 for problems in found if problems)
    if as_json:
        print_json([_checked(*each) for each in zip(entries, statements, found, strict=True)])
    else:
        for entry, problems in zip(entries, found, strict=True):
            for problem in problems:
                data.print(f"{entry.place}: {_sentence(problem)}", markup=False)
    talk.print(f"{len(statements) - wrong} of {len(statements)} event(s) are in order; nothing was sent")
    raise typer.Exit(Exit.NO if wrong else Exit.OK)


def _checked(entry: Entry, statement: Statement, problems: Sequence[Problem]) -> dict[str, Any]:
    return {"place": entry.place, "id": statement.identity[1], "valid": not problems, "problems": list(problems)}


def _problems_in(statement: Statement, oin: str) -> Sequence[Problem]:
    try:
        read_submission(statement.envelope(), oin, SUBMISSIONS, datetime.now(UTC), "check")
    except Rejected as refusal:
        return refusal.problems
    return ()


def _show_answers(
    entries: Sequence[Entry], statements: Sequence[Statement], answers: Sequence[Answer | None], as_json: bool
) -> None:
    rows = list(zip(entries, statements, answers, strict=True))
    if as_json:
        print_json(
            [{"place": entry.place, "id": stated.identity[1], "answer": given} for entry, stated, given in rows]
        )
    else:
        for entry, stated, given in rows:
            data.print(f"{entry.place}: {_said(stated, given)}", markup=False)
    if not all(given is not None and outcome_of(given) in ("accepted", "deferred") for given in answers):
        raise typer.Exit(Exit.NO)


def _said(statement: Statement, answer: Answer | None) -> str:
    short = statement.kind.name.split(".")[2]
    if answer is None:
        return f"{short}: no answer in time; emit the same again to see what became of it"
    outcome = outcome_of(answer)
    if outcome == "rejected":
        return f"{short} rejected: " + "; ".join(map(_sentence, answer.problems))
    if outcome == "deferred":
        return f"{short} deferred: it waits for a fact that has not arrived yet"
    events = ", ".join(
        f"{event.type.split('.')[2]} at {event.lane} sequence {event.sequence}" for event in answer.events
    )
    return f"{short} {'accepted' if answer.outcome == 'accepted' else 'was accepted before'}: {events}"


def _sentence(problem: Problem) -> str:
    return f"{problem.field}: {problem.detail} [{problem.code}]. {problem.fix}"
