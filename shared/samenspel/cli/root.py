"""The root of the command tree: no command ends in a traceback."""

import sys
from typing import Any

import typer
from typer.core import TyperGroup

from samenspel.cli.console import Exit, report_error
from samenspel.cli.streams import discard_output, escape_unencodable


class RootCommand(TyperGroup):
    """Runs a command. An error becomes one sentence on stderr and an exit code, also outside the code of the command.

    Help texts, the last flush of stdout, and the commands of other packages are covered too.
    """

    def invoke(self, ctx: Any) -> Any:
        """Run the command; a reading program that has closed the pipe is no failure, as of ``| head``."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            discard_output()
            raise typer.Exit(Exit.OK) from None

    def main(self, *args: Any, **extra: Any) -> Any:
        escape_unencodable(sys.stdout)
        escape_unencodable(sys.stderr)
        try:
            try:
                return super().main(*args, **extra)
            finally:
                sys.stdout.flush()
        except Exception as error:
            sys.exit(report_error(error))
