"""The root of the command tree: no command ends in a traceback."""

import sys
from typing import Any

from typer.core import TyperGroup

from samenspel.cli.console import report_error
from samenspel.cli.streams import escape_unencodable


class RootCommand(TyperGroup):
    """Runs a command. An error becomes one sentence on stderr and an exit code, also outside the code of the command.

    Help texts, the last flush of stdout, and the commands of other packages are covered too.
    """

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
