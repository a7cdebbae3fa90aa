"""``samenspel emit``: submits events of one organisation."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from samenspel.cli.console import Exit, errors_as_messages, messages, print_json, print_line, print_message
from samenspel.cli.options import As, AsJson, ViaOption
from samenspel.client.access.profile import Profile
from samenspel.client.submit.emit import emit as emit_statements
from samenspel.client.submit.json_lines import BadLines, Entry, problem_lines, problem_text, read_values
from samenspel.client.submit.receipts import latest_outcome
from samenspel.client.submit.statements import Statement, envelope_of, statement_in, suggestion
from samenspel.contracts.catalogue import SUBMISSIONS
from samenspel.contracts.cloudevents import Envelope
from samenspel.contracts.problems import Problem, Rejected
from samenspel.contracts.receipts import Answer
from samenspel.contracts.submissions import read_submission


def emit(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE…", help="NDJSON, or one event per file; - reads stdin.")
    ],
    organisation: As,
    via: ViaOption = "kafka",
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for the final outcomes. Exit code 1 if any submission was rejected.")
    ] = False,
    seconds: Annotated[float, typer.Option("--time-out", help="Seconds to wait for the outcomes.", min=0)] = 60.0,
    again: Annotated[int, typer.Option(help="Send again under a new id; each number gives another id.", min=0)] = 0,
    check: Annotated[bool, typer.Option("--check", help="Run the checks of the service; send nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Submit events. The shortest form of an event is {"type": "initiative-registered", "data": {…}}.

    The id is derived from the content: emitting a file twice returns the outcomes of the first time. The id of an
    application or subscription is derived from its subject only, because ids are published.
    """
    with errors_as_messages():
        profile = Profile.find()
        oin = profile.credential(organisation).oin
        entries = read_values(files)
        envelopes = [envelope_of(oin, entry.value, entry.problems, again=again) for entry in entries]
        if check:
            return _show_checks(entries, envelopes, oin, as_json)
        statements = _statements(entries, envelopes, oin)
        with _SendProgress(len(statements)) as (bar, task):
            answers = asyncio.run(
                emit_statements(
                    profile,
                    oin,
                    statements,
                    via=via,
                    within=seconds if wait else None,
                    progress=lambda number: bar.advance(task, number),
                )
            )
    print_message(f"{len(statements)} event(s) sent over {via}")
    return _show_answers(entries, statements, answers, as_json) if wait or via == "http" else None


class _SendProgress:
    """Progress bar on stderr that counts the acknowledged events."""

    def __init__(self, total: int) -> None:
        columns = (TextColumn("sending"), BarColumn(), MofNCompleteColumn())
        self._progress = Progress(*columns, console=messages, transient=True, disable=not messages.is_terminal)
        self._total = total

    def __enter__(self) -> tuple[Progress, Any]:
        self._progress.start()
        return self._progress, self._progress.add_task("sending", total=self._total)

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


def _statements(entries: Sequence[Entry], envelopes: Sequence[Envelope], oin: str) -> list[Statement]:
    """One statement per entry. Raises BadLines with every entry that cannot be sent unchanged."""
    bad = [
        replace(entry, problems=tuple(_problems_in(envelope, oin)))
        for entry, envelope in zip(entries, envelopes, strict=True)
        if envelope.problems or envelope.type not in SUBMISSIONS
    ]
    if bad:
        raise BadLines(problem_lines(bad))
    return [statement_in(envelope) for envelope in envelopes]


def _show_checks(entries: Sequence[Entry], envelopes: Sequence[Envelope], oin: str, as_json: bool) -> None:
    """Print the problems that a service finds without looking at its stored state."""
    found = [_problems_in(each, oin) for each in envelopes]
    wrong = sum(1 for problems in found if problems)
    if as_json:
        print_json([_checked(*each) for each in zip(entries, envelopes, found, strict=True)])
    else:
        for entry, problems in zip(entries, found, strict=True):
            for problem in problems:
                print_line(f"{entry.label}: {problem_text(problem)}")
    print_message(f"{len(envelopes) - wrong} of {len(envelopes)} event(s) are valid; nothing was sent")
    raise typer.Exit(Exit.FAILED if wrong else Exit.OK)


def _checked(entry: Entry, envelope: Envelope, problems: Sequence[Problem]) -> dict[str, Any]:
    return {**_place(entry), "id": envelope.id, "valid": not problems, "problems": list(problems)}


def _place(entry: Entry) -> dict[str, Any]:
    return {"place": entry.position, **({} if entry.item is None else {"item": entry.item})}


def _problems_in(envelope: Envelope, oin: str) -> Sequence[Problem]:
    """The problems that a service finds; a misspelt type gets the fix of a reader with the CLI."""
    try:
        read_submission(envelope, oin, SUBMISSIONS, datetime.now(UTC), "check")
    except Rejected as refusal:
        hint = suggestion(envelope.type)
        return [
            each.model_copy(update={"fix": hint}) if each.code == "unknown-type" else each
            for each in refusal.problems
        ]
    return ()


def _show_answers(
    entries: Sequence[Entry], statements: Sequence[Statement], answers: Sequence[Answer | None], as_json: bool
) -> None:
    rows = list(zip(entries, statements, answers, strict=True))
    if as_json:
        print_json(
            [{**_place(entry), "id": statement.identity[1], "answer": answer} for entry, statement, answer in rows]
        )
    else:
        for entry, statement, answer in rows:
            print_line(f"{entry.label}: {_outcome_text(statement, answer)}")
    if not all(answer is not None and latest_outcome(answer) in ("accepted", "deferred") for answer in answers):
        raise typer.Exit(Exit.FAILED)


def _outcome_text(statement: Statement, answer: Answer | None) -> str:
    short = statement.kind.name.split(".")[2]
    if answer is None:
        return f"{short}: no outcome within the time-out; emit the same event again to get the outcome"
    outcome = latest_outcome(answer)
    if outcome == "rejected":
        again = " `--again` sends other content." if _has_other_content(answer) else ""
        return f"{short} rejected: " + "; ".join(map(problem_text, answer.problems)) + again
    if outcome == "deferred":
        return f"{short} deferred: {_condition_text(answer)}"
    events = ", ".join(
        f"{event.type.split('.')[2]} at {event.lane} sequence {event.sequence}" for event in answer.events
    )
    return f"{short} {'accepted' if answer.outcome == 'accepted' else 'accepted before'}: {events}"


def _condition_text(answer: Answer) -> str:
    if answer.waits_for is None or answer.waits_until is None:
        return "the service waits for an event that this submission refers to"
    until = answer.waits_until.isoformat(timespec="minutes")
    return f"the service waits for {answer.waits_for.aggregate} {answer.waits_for.subject} until {until}"


def _has_other_content(answer: Answer) -> bool:
    return any(problem.code == "same-id-other-content" for problem in answer.problems)
