"""``samenspel up | down | status | doctor | reset``: the local system, without Docker."""

import errno
import json
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
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
messages: Final = Console(stderr=True, highlight=False, soft_wrap=True)
output: Final = Console(highlight=False)


@app.command()
def up() -> None:
    """Start the local system: Kafka, PostgreSQL and the three services.

    A second start changes nothing. All files are in the folder SAMENSPEL_HOME;
    default: .samenspel in the checkout. Ports are chosen automatically; set
    SAMENSPEL_KAFKA_PORT, SAMENSPEL_POSTGRES_PORT, SAMENSPEL_REGISTRY_PORT,
    SAMENSPEL_FUNDING_PORT or SAMENSPEL_NOTIFIER_PORT for a fixed port.
    SAMENSPEL_POSTGRES_DSN, the URL of a superuser, selects an existing
    PostgreSQL server.
    """
    started = time.monotonic()
    with _errors_as_sentences(), progress_bars(messages) as progress:
        system = _system()
        system.start(progress=progress)
    messages.print(f"ready in {time.monotonic() - started:.1f} s; `samenspel status` shows addresses and processes")


@app.command()
def down() -> None:
    """Stop the local system, services first. The data is kept."""
    with _errors_as_sentences(), messages.status("stopping"):
        _system().stop()
    messages.print("stopped; the data is kept, `samenspel reset` deletes the data")


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, including passwords.")] = False,
    env: Annotated[bool, typer.Option("--env", help="Print shell variables for eval, including passwords.")] = False,
) -> None:
    """Show processes, addresses and readiness. Exit code 0 if all components are ready."""
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
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check the requirements of the local system, one line each. Exit code 3 if a check fails."""
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
    cache: Annotated[bool, typer.Option("--cache", help="Also delete the downloaded Kafka.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
) -> None:
    """Stop the local system and delete the data."""
    system = _system()
    if not yes and sys.stdin.isatty():
        typer.confirm(f"Delete everything in {system.home.path}?", abort=True, err=True)
    with _errors_as_sentences(), messages.status("removing"):
        system.remove()
        if cache:
            drop_cache()
    messages.print("deleted")


def _system() -> LocalSystem:
    return LocalSystem(Home.find().path)


@contextmanager
def _errors_as_sentences() -> Iterator[None]:
    """Print an expected error as one sentence on stderr, and exit with the code of the error."""
    try:
        yield
    except LocalSystemError as error:
        _exit(str(error), error.exit_code)
    except (KafkaAdminError, ProfileError, IssuerRefused) as error:
        _exit(str(error), LocalSystemError.exit_code)
    except PermissionError as error:
        sentence = f"{error.filename} belongs to another account: use that account, or set SAMENSPEL_HOME"
        _exit(f"{sentence} to a folder of your account", EnvironmentUnavailable.exit_code)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        _exit("the disk is full: free 1 GB and start again", EnvironmentUnavailable.exit_code)


def _exit(sentence: str, code: int) -> None:
    messages.print(escape(sentence))
    raise typer.Exit(code)


def _line(finding: Finding) -> str:
    mark = "[green]✓[/]" if finding.healthy else "[red]✗[/]"
    return f"{mark} {finding.subject:<11} {escape(finding.text)}"


def _table(found: SystemStatus) -> Table:
    table = Table("", "state", "address", "pid", title=found.home, title_justify="left", box=None)
    for component in (*found.servers, *found.services):
        state = "[green]ready[/]" if component.ready else "[red]stopped[/]" if component.pid is None else "not ready"
        address = f"127.0.0.1:{component.port}" if component.port else ""
        table.add_row(component.name, state, address, str(component.pid or ""))
    return table
