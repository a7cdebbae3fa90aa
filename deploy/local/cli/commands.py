"""``samenspel up | down | status | doctor | reset``: the local system, without Docker."""

import errno
import json
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table
from samenspel.cli.console import data as output
from samenspel.cli.console import messages
from samenspel.client.access.local_issuer import IssuerRefused
from samenspel.client.access.profile import ProfileError
from samenspel.client.admin.kafka_admin import KafkaAdminError

from deploy.local.cli.bars import progress_bars
from deploy.local.cli.doctor import Finding, examine
from deploy.local.cli.status import SystemStatus, environment, read_status
from deploy.local.errors import EnvironmentUnavailable, LocalSystemError
from deploy.local.home import Home
from deploy.local.kafka_node.jars import drop_cache
from deploy.local.system import LocalSystem

app = typer.Typer(no_args_is_help=True)


@app.command()
def up() -> None:
    """Start the local system: Kafka, PostgreSQL and the three services. Twice is harmless.

    All of it lives in the folder SAMENSPEL_HOME, else .samenspel in the checkout.
    Ports are free ones, or those given in SAMENSPEL_KAFKA_PORT,
    SAMENSPEL_POSTGRES_PORT, SAMENSPEL_REGISTRY_PORT, SAMENSPEL_FUNDING_PORT
    and SAMENSPEL_NOTIFIER_PORT. SAMENSPEL_POSTGRES_DSN, the URL of a superuser,
    names a PostgreSQL of your own.
    """
    started = time.monotonic()
    with _errors_as_sentences(), progress_bars(messages) as progress:
        system = _system()
        system.start(progress=progress)
    messages.print(f"ready in {time.monotonic() - started:.1f} s; `samenspel status` shows what runs where")


@app.command()
def down() -> None:
    """Stop all of it, services first. Its data stays."""
    with _errors_as_sentences(), messages.status("stopping"):
        _system().stop()
    messages.print("stopped; the data stays until `samenspel reset`")


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="For programs; holds passwords.")] = False,
    env: Annotated[bool, typer.Option("--env", help="The same for a shell: eval it.")] = False,
) -> None:
    """Show what runs where. Ends with 0 when all of it is ready."""
    with _errors_as_sentences():
        found = read_status(_system())
    if as_json:
        print(found.model_dump_json(indent=2))
    elif env:
        for name, value in environment(found):
            print(f"export {name}={shlex.quote(value)}")
    else:
        output.print(_table(found))
    raise typer.Exit(0 if found.ready else LocalSystemError.exit_code)


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Look at everything that the local system needs, one line each. Ends with 3 when something is amiss."""
    with _errors_as_sentences():
        findings = list(examine(_system()))
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        output.print(*map(_line, findings), sep="\n", soft_wrap=True)
    if not all(finding.healthy for finding in findings):
        raise typer.Exit(EnvironmentUnavailable.exit_code)


@app.command()
def reset(
    cache: Annotated[bool, typer.Option("--cache", help="The downloaded Kafka too.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Stop all of it and throw its data away."""
    system = _system()
    if not yes and sys.stdin.isatty():
        typer.confirm(f"Throw away everything in {system.home.path}?", abort=True, err=True)
    with _errors_as_sentences(), messages.status("removing"):
        system.remove()
        if cache:
            drop_cache()
    messages.print("removed")


def _system() -> LocalSystem:
    return LocalSystem(Home.find().path)


@contextmanager
def _errors_as_sentences() -> Iterator[None]:
    """End with one sentence on stderr, and the exit code that goes with it, instead of a traceback."""
    try:
        yield
    except LocalSystemError as error:
        _exit(str(error), error.exit_code)
    except (KafkaAdminError, ProfileError, IssuerRefused) as error:
        _exit(str(error), LocalSystemError.exit_code)
    except PermissionError as error:
        sentence = f"{error.filename} belongs to another account: work as that one, or name a home of your own"
        _exit(f"{sentence} in SAMENSPEL_HOME", EnvironmentUnavailable.exit_code)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        _exit("the disk is full: make room (1 GB) and start again", EnvironmentUnavailable.exit_code)


def _exit(sentence: str, code: int) -> None:
    messages.print(escape(sentence))
    raise typer.Exit(code)


def _line(finding: Finding) -> str:
    mark = "[green]✓[/]" if finding.healthy else "[red]✗[/]"
    return f"{mark} {finding.subject:<11} {escape(finding.text)}"


def _table(found: SystemStatus) -> Table:
    table = Table("", "state", "address", "pid", title=found.home, title_justify="left", box=None)
    for piece in (*found.servers, *found.services):
        state = "[green]ready[/]" if piece.ready else "[red]stopped[/]" if piece.pid is None else "not ready"
        address = f"127.0.0.1:{piece.port}" if piece.port else ""
        table.add_row(piece.name, state, address, str(piece.pid or ""))
    return table
