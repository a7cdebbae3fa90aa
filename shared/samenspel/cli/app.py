"""Assembly of the command tree."""

import logging
from importlib.metadata import entry_points, version
from typing import Annotated, Final

import typer

from samenspel.cli.catalogue import catalogue
from samenspel.cli.emit import emit
from samenspel.cli.events import app as events
from samenspel.cli.funding import app as funding
from samenspel.cli.lanes import app as lanes
from samenspel.cli.organisation import app as organisation
from samenspel.cli.quarantine import app as quarantine
from samenspel.cli.receive import receive
from samenspel.cli.replica import app as replica
from samenspel.cli.root import RootCommand
from samenspel.cli.streams import open_closed
from samenspel.runtime.libpq_environment import forget_variables

GROUP: Final = "samenspel.commands"
"""Entry point group of packages with commands of their own."""


def build() -> typer.Typer:
    """The Typer app with our commands and the commands of installed packages (see `GROUP`)."""
    app = typer.Typer(
        name="samenspel",
        cls=RootCommand,
        no_args_is_help=True,
        pretty_exceptions_show_locals=False,
        help="Keeps Rijk, VNG, cities and their partners in sync about urban-innovation initiatives, with proof.",
    )
    app.callback()(_root)
    for entry in sorted(entry_points(group=GROUP), key=lambda each: each.name):
        plugin = entry.load()
        app.registered_commands += plugin.registered_commands
        app.registered_groups += plugin.registered_groups
    app.command()(emit)
    app.command()(catalogue)
    app.command()(receive)
    for name, group in (
        ("organisation", organisation),
        ("events", events),
        ("replica", replica),
        ("funding", funding),
        ("lanes", lanes),
        ("quarantine", quarantine),
    ):
        app.add_typer(group, name=name)
    return app


def main() -> None:
    """Entry point of the console script."""
    open_closed()
    forget_variables()
    # Libraries log errors that a sentence of ours explains.
    logging.getLogger().addHandler(logging.NullHandler())
    build()()


def _show_version(requested: bool) -> None:
    if requested:
        typer.echo(version("samenspel"))
        raise typer.Exit


def _root(
    _: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None: ...
