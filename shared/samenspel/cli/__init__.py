"""The command ``samenspel``: one for all users.

Data goes to stdout and talk to stderr; ``--json`` is on everything that prints data. Exit codes: 0 ok, 1 the answer
is no (rejected, diverged, invalid), 2 wrong usage, 3 the surroundings are missing.
"""

from importlib.metadata import entry_points

import typer

from samenspel.cli.catalogue import catalogue
from samenspel.cli.emit import emit
from samenspel.cli.organisation import app as organisation
from samenspel.cli.output import plainly
from samenspel.cli.receive import receive

GROUP = "samenspel.commands"


def make_app() -> typer.Typer:
    """All commands: ours, and those that a checkout or another package adds under the entry point group."""
    app = typer.Typer(no_args_is_help=True, help="Keep initiatives in sync, provably.")
    for entry in sorted(entry_points(group=GROUP), key=lambda each: each.name):
        app.registered_commands.extend(entry.load().registered_commands)
    app.command()(emit)
    app.command()(catalogue)
    app.command()(receive)
    app.add_typer(organisation, name="organisation", help="Joining: who takes part.")
    return app


def main() -> None:
    with plainly():
        make_app()()
