"""The command ``samenspel``: one for all users.

Data goes to stdout and talk to stderr; exit codes are 0 ok, 1 the answer is no, 2 wrong usage, 3 the surroundings are
missing. Whoever ships commands of their own (the local system, the demo) names a Typer app in the entry point group
``samenspel.commands``; its commands appear beside ours.
"""

from samenspel.cli.app import main

__all__ = ["main"]
