"""Text of other organisations acts on no terminal: every command prints control and bidi characters as symbols."""

import ast
import json
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

import click
import pytest
import samenspel.cli
import typer
from samenspel.cli.app import build
from samenspel.client.access.errors import RequestRefused
from samenspel.client.access.profile import Credential, KafkaAccess, Profile, System
from samenspel.client.read.explanation import Explanation, ExplanationStep
from samenspel.client.read.tail import TailedEvent
from samenspel.client.read.webhook_receiver import ReceivedDelivery
from samenspel.client.replica.apply import Divergence
from samenspel.client.replica.diff import Difference
from samenspel.client.replica.report import LaneReport, SyncReport
from samenspel.contracts.canonical import CanonicalEvent
from samenspel.contracts.example_states import EXAMPLE_STATES
from samenspel.contracts.receipts import Answer
from typer.testing import CliRunner

OIN: Final = "00000099000000000344"
FORGED: Final = "2026-01-01 00:00:00  Gemeente Amsterdam stopped initiative"
HOSTILE: Final = f"a\x1b]52;c;aGk=\x07\x1b[2J\r\n{FORGED}\u202eb\x9b31mc\u2028\u2066d[/]:bomb:"
"""Clipboard, clear screen, a forged line, an override, a C1 sequence, markup that ends nothing, an emoji code."""
ACTING: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]")


def shown(*arguments: str, given: str = "") -> str:
    """All output of a command that ends without a traceback."""
    done = CliRunner().invoke(build(), arguments, input=given)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.stdout + done.stderr


@pytest.fixture(autouse=True)
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A profile with a hostile name for the operator."""
    made = Profile(tmp_path / "profile")
    http = dict.fromkeys(("registry", "funding", "notifier"), "http://127.0.0.1:1")
    kafka = KafkaAccess(bootstrap="127.0.0.1:1", security_protocol="SASL_PLAINTEXT")
    made.save_system(System(kafka=kafka, http=http))  # type: ignore[arg-type]
    for oin in (OIN, "00000099000000000001"):
        made.save(Credential(name=HOSTILE, oin=oin, username=oin, password="p", token="t"))
    monkeypatch.setenv("SAMENSPEL_PROFILE", str(made.folder))
    yield


def answering(value: Any) -> Callable[..., Awaitable[Any]]:
    async def answer(*_: Any, **__: Any) -> Any:
        return value

    return answer


def raising(error: Exception) -> Callable[..., Any]:
    def refuse(*_: Any, **__: Any) -> Any:
        raise error

    return refuse


EVENT: Final = CanonicalEvent(
    topic="samenspel.initiatives",
    lane=1,
    offset=1,
    timeline=1,
    sequence=1,
    id="1",
    type="nl.samenspel.initiative-registered.v1",
    aggregate="initiative.v1",
    subject=HOSTILE,
    statedigest=0,
    value=json.dumps({**EXAMPLE_STATES["initiative.v1"], "title": HOSTILE}, ensure_ascii=False).encode(),
    headers=(("ce_subject", b"x\x1b[2Jy\xc2\x9b\xe2\x80\xae"),),
)
TAILED: Final = TailedEvent(EVENT, OIN, f"2026-11-24T10:00:00{HOSTILE}")
ANSWER: Final = Answer.model_validate(
    {
        "source": HOSTILE,
        "id": HOSTILE,
        "outcome": "rejected",
        "problems": ({"code": "invalid-field", "field": HOSTILE, "detail": HOSTILE, "fix": HOSTILE},),
    }
)
RECORD: Final[dict[str, Any]] = {
    **dict.fromkeys(("organisation", "appended_at", "quarantined_at", "reason", "detail", "record"), HOSTILE),
    "number": 1,
    "open": True,
    "headers": [[HOSTILE, {"text": HOSTILE}]],
    **{part: {"text": HOSTILE} for part in ("key", "value", "raw")},
    "actions": [dict.fromkeys(("taken_at", "operator", "action", "outcome", "why", "detail"), HOSTILE)],
}
LANE: Final[dict[str, Any]] = {
    "lane": HOSTILE,
    "reason": HOSTILE,
    **dict.fromkeys(("timeline", "sequence", "published", "behind", "after", "answers"), 1),
    "before": 0,
    "broken_promises": [[HOSTILE, HOSTILE, HOSTILE, "http"]],
    "still_deferred": [],
}
EXPLANATION: Final = Explanation(
    {"title": HOSTILE}, None, (HOSTILE,), (ExplanationStep(HOSTILE, HOSTILE, HOSTILE, 1, HOSTILE),)
)
DIVERGENCE: Final = Divergence(HOSTILE, 1, HOSTILE, HOSTILE, HOSTILE)
REPORT: Final = SyncReport(1, 1.0, 1, 1, (LaneReport(HOSTILE, 1, 1, "0" * 64, 2, DIVERGENCE, HOSTILE),))
ORGANISATION: Final = {"oin": HOSTILE, "name": HOSTILE, "kind": HOSTILE, "roles": [HOSTILE]}

Patches = dict[str, Any]


class HostileAnswer:
    """A store whose tables have hostile names and values."""

    def answer(self, sql: str, values: object) -> tuple[list[str], list[tuple[str]]]:
        return [HOSTILE], [(HOSTILE,)]


HOSTILE_COMMANDS: Final[dict[str, tuple[list[str], Patches]]] = {
    "events tail": (["events", "tail", "--no-follow"], {"samenspel.cli.events.tail": lambda *_, **__: [TAILED]}),
    "quarantine list": (
        ["quarantine", "list", "--service", "funding"],
        {"samenspel.cli.quarantine.QuarantineClient.records": answering([RECORD])},
    ),
    "quarantine show": (
        ["quarantine", "show", "1"],
        {"samenspel.cli.quarantine.QuarantineClient.record": answering(RECORD)},
    ),
    "quarantine retry": (
        ["quarantine", "retry", "1"],
        {"samenspel.cli.quarantine.QuarantineClient.act": answering(HOSTILE)},
    ),
    "quarantine discard": (
        ["quarantine", "discard", "1", "--why", "x"],
        {"samenspel.cli.quarantine.QuarantineClient.act": raising(RequestRefused(HOSTILE))},
    ),
    "lanes list": (
        ["lanes", "list", "funding"],
        {"samenspel.cli.lanes.OperatorApi.request": answering({"items": [LANE]})},
    ),
    "lanes recover": (
        ["lanes", "recover", "funding"],
        {"samenspel.cli.lanes.OperatorApi.request": answering({"items": [LANE]})},
    ),
    "lanes new-timeline": (
        ["lanes", "new-timeline", "funding", "x/1", "--why", "x"],
        {"samenspel.cli.lanes.OperatorApi.request": answering({"lane": HOSTILE, "timeline": 2})},
    ),
    "organisation list": (
        ["organisation", "list"],
        {"samenspel.cli.organisation.list_organisations": answering([ORGANISATION])},
    ),
    "organisation admit": (
        ["organisation", "admit", "--oin", OIN, "--name", "Utrecht", "--kind", "municipality"],
        {"samenspel.cli.organisation.admit": answering([ANSWER])},
    ),
    "emit": (["emit", "-", "--as", OIN, "--wait"], {"samenspel.cli.emit.emit_statements": answering([ANSWER])}),
    "funding explain": (
        ["funding", "explain", HOSTILE, "--db", "unused"],
        {
            "samenspel.cli.funding.explain": lambda *_: EXPLANATION,
            "samenspel.cli.funding._open_replica": lambda *_: nullcontext(),
        },
    ),
    "replica sync": (
        ["replica", "sync", "--db", "new.db"],
        {"samenspel.cli.replica.sync_over_kafka": lambda *_, **__: REPORT},
    ),
    "replica verify": (
        ["replica", "verify", "--db", "new.db"],
        {"samenspel.cli.replica.ReplicaStore": raising(RequestRefused(HOSTILE))},
    ),
    "replica diff": (
        ["replica", "diff", "a.db", "b.db"],
        {
            "samenspel.cli.replica.ReplicaStore": lambda *_: nullcontext(),
            "samenspel.cli.replica.diff": lambda *_: [Difference(HOSTILE, HOSTILE, HOSTILE, None)],
        },
    ),
    "replica ask": (
        ["replica", "ask", "initiatives-count", "--db", "a.db"],
        {"samenspel.cli.replica_questions._opened": lambda *_: nullcontext(HostileAnswer())},
    ),
    "replica sql": (
        ["replica", "sql", "select 1", "--db", "a.db"],
        {"samenspel.cli.replica_questions._opened": lambda *_: nullcontext(HostileAnswer())},
    ),
    "receive": (
        ["receive", "--count", "1"],
        {"samenspel.cli.receive._run_receiver": lambda receiver, *_, **__: _deliver(receiver)},
    ),
}
NO_JSON: Final = {"quarantine retry", "quarantine discard"}
OWN_TEXT_ONLY: Final = {"catalogue", "up", "down", "status", "doctor", "reset", "demo"}
"""Commands that print the catalogue, or the state of this machine's own processes and sample data."""


async def _deliver(receiver: Any) -> None:
    receiver.on_delivery(ReceivedDelivery("1", dict.fromkeys(("time", "type", "subject", "lane"), HOSTILE), False))


def commands(group: click.Group, *path: str) -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group) or hasattr(command, "commands"):
            yield from commands(command, *path, name)  # type: ignore[arg-type]
        else:
            yield " ".join((*path, name))


def test_every_command_has_a_row() -> None:
    tree = typer.main.get_command(build())
    assert set(commands(tree)) == set(HOSTILE_COMMANDS) | OWN_TEXT_ONLY  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "as_json"),
    [(name, False) for name in HOSTILE_COMMANDS] + [(name, True) for name in HOSTILE_COMMANDS if name not in NO_JSON],
)
def test_foreign_text_is_shown_and_does_nothing(
    name: str, as_json: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    arguments, patches = HOSTILE_COMMANDS[name]
    monkeypatch.chdir(tmp_path)
    for target, replacement in patches.items():
        monkeypatch.setattr(target, replacement)
    data = {"type": "rollout-started", "data": EXAMPLE_STATES["rollout.v1"]}
    output = shown(*arguments, *(["--json"] if as_json else []), given=json.dumps(data))
    assert not ACTING.search(output), output
    assert not any(line.lstrip().startswith(FORGED) for line in output.splitlines()), output
    assert "aGk=" in output


def test_only_the_console_prints() -> None:
    """Another module that prints by another way would print foreign text as the text is."""
    folder = Path(samenspel.cli.__file__).parent
    printing = {
        f"{path.name}:{node.lineno}"
        for path in folder.glob("*.py")
        if path.name != "console.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and _prints(node.func)
    }
    assert printing == set()


def _prints(called: ast.expr) -> bool:
    if isinstance(called, ast.Name):
        return called.id in ("print", "Console", "Table")
    return isinstance(called, ast.Attribute) and called.attr in ("print", "write", "secho")
