"""The command line program ``samenspel``, for all users.

Data goes to stdout, messages go to stderr. Exit codes: 0 ok, 1 the check failed or the request was refused,
2 wrong usage, 3 the environment is missing or unreachable. Another package adds commands by naming a Typer app in the
entry point group ``samenspel.commands``, as the local system and the demo do.
"""

from samenspel.cli.app import main

__all__ = ["main"]
