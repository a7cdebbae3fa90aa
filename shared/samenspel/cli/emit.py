"""``samenspel emit``: submit what has happened, from files or a pipe, over Kafka or HTTP."""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import orjson
import typer
from rich.markup import escape
from rich.progress import Progress

from samenspel.cli.output import NO, data, talk
from samenspel.client.emit import Via
from samenspel.client.emit import emit as emit_all
from samenspel.client.profile import Profile
from samenspel.client.statements import Statement, full_type, state
from samenspel.contracts.catalogue import SUBMISSIONS
from samenspel.contracts.problems import Problem, Rejected
from samenspel.contracts.receipts import Answer
from samenspel.contracts.strict_json import parse
from samenspel.contracts.submissions import read_submission

WAIT_SECONDS: Final = 60.0
_PASSED_ON: Final = ("id", "source", "subject", "time", "correlationid", "causationid", "traceparent", "specversion")


def emit(
    files: Annotated[list[Path], typer.Argument(help="One CloudEvent a line, or one a file; - is standard input.")],
    as_: Annotated[str, typer.Option("--as", help="The organisation: OIN or name.")],
    via: Annotated[str, typer.Option(help="kafka or http.")] = "kafka",
    wait: Annotated[bool, typer.Option(help="Wait for the final answers; ends with 1 when any is rejected.")] = False,
    check: Annotated[bool, typer.Option(help="Run the real rules and send nothing.")] = False,
    again: Annotated[int, typer.Option(min=0, help="Another number makes the same content a new event.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Answers, one a line.")] = False,
) -> None:
    """Submit events. What is absent is filled in; a line may be {"type": "initiative-registered", "data": {…}}."""
    profile = Profile.find()
    credential = profile.credential(as_)
    statements = _read(_texts(files), credential.oin, again)
    if check:
        _check(statements, credential.oin)
        return
    door = _via(via)
    with Progress(console=talk, transient=True) as progress:
        task = progress.add_task("submitting", total=len(statements))
        answers = asyncio.run(
            emit_all(
                profile,
                credential.oin,
                statements,
                via=door,
                within=WAIT_SECONDS if wait else None,
                progress=lambda number: progress.advance(task, number),
            )
        )
    _say(statements, answers, as_json=as_json)
    unanswered = wait and any(answer is None or answer.outcome == "deferred" for answer in answers)
    refused = any(answer is not None and answer.outcome == "rejected" for answer in answers)
    raise typer.Exit(NO if refused or unanswered else 0)


def _via(via: str) -> Via:
    if via == "kafka":
        return "kafka"
    if via == "http":
        return "http"
    raise typer.BadParameter("--via is kafka or http")


def _texts(files: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    """Every event's text, with the place it came from."""
    for file in files:
        try:
            text = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        except OSError as error:
            raise typer.BadParameter(f"{file}: {error.strerror}") from None
        if _is_one(text):
            yield str(file), text
        else:
            yield from ((f"{file}:{at}", line) for at, line in enumerate(text.splitlines(), 1) if line.strip())


def _is_one(text: bytes) -> bool:
    """Whether the whole file is a single JSON object, over as many lines as it likes."""
    try:
        return isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        return False


def _read(texts: Iterator[tuple[str, bytes]], oin: str, again: int) -> list[Statement]:
    statements, wrong = [], 0
    for place, text in texts:
        try:
            statements.append(_statement(text, oin, again))
        except Rejected as refusal:
            wrong += 1
            _complain(place, refusal.problems)
    if wrong:
        talk.print(f"nothing was sent: {wrong} of {wrong + len(statements)} cannot be read")
        raise typer.Exit(NO)
    return statements


def _statement(text: bytes, oin: str, again: int) -> Statement:
    event = parse(text)
    if (
        not isinstance(event, dict)
        or not isinstance(event.get("type"), str)
        or not isinstance(event.get("data"), dict)
    ):
        raise Rejected(_problem("missing-attribute", "type", 'an event here has at least "type" and "data"'))
    if full_type(event["type"]) not in SUBMISSIONS:
        raise Rejected(_problem("unknown-type", "type", f"{event['type'][:100]!r} cannot be submitted"))
    given = {name: value for name in _PASSED_ON if isinstance(value := event.get(name), str)}
    return state(oin, event["type"], event["data"], again=again, **given)


def _problem(code: Any, field: str, detail: str) -> Problem:
    return Problem(code=code, field=field, detail=detail, fix="`samenspel catalogue` shows what may be submitted.")


def _check(statements: Sequence[Statement], oin: str) -> None:
    wrong = 0
    for statement in statements:
        try:
            read_submission(statement.envelope(), oin, SUBMISSIONS, datetime.now(UTC), "check")
        except Rejected as refusal:
            wrong += 1
            _complain(statement.attributes["id"], refusal.problems)
    talk.print(f"{len(statements) - wrong} of {len(statements)} would be read; nothing was sent")
    raise typer.Exit(NO if wrong else 0)


def _complain(place: str, problems: Sequence[Problem]) -> None:
    for problem in problems:
        talk.print(escape(f"{place}: {problem.field}: {problem.detail} [{problem.code}] {problem.fix}"))


def _say(statements: Sequence[Statement], answers: Sequence[Answer | None], *, as_json: bool) -> None:
    for statement, answer in zip(statements, answers, strict=True):
        if answer is None:
            continue
        if as_json:
            print(answer.model_dump_json(exclude_none=True))
        else:
            data.print(escape(_sentence(statement, answer)), soft_wrap=True)
    sent = sum(answer is None for answer in answers)
    if sent:
        talk.print(f"{sent} sent; --wait waits for what becomes of them")


def _sentence(statement: Statement, answer: Answer) -> str:
    what = statement.attributes["type"].removeprefix("nl.samenspel.")
    if answer.problems:
        reasons = "; ".join(f"{each.field}: {each.detail} ({each.fix})" for each in answer.problems)
        return f"{what} {answer.id}: {answer.outcome}: {reasons}"
    where = ", ".join(f"{each.lane} #{each.sequence}" for each in answer.events)
    return f"{what} {answer.id}: {answer.outcome}{f' as {where}' if where else ''}"
