"""Variables of libpq (``PGHOST``, ``PGSSLMODE``, …): asyncpg reads them, and a program of ours obeys none of them.

A variable in the shell of a user would otherwise change the server, the encryption or the password of a connection.
"""

import os
from typing import Final

PREFIX: Final = "PG"
"""The documentation of libpq lists the variables in the section *Environment Variables*; all start with ``PG``."""


def forget_variables() -> None:
    """Remove the variables of libpq from the environment of this process and of the processes started from here.

    Every program calls this function first: asyncpg has no option that turns the variables off.
    """
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
