"""The account that PostgreSQL runs under: it refuses to run as root."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from deploy.local.errors import SurroundingsMissing

UNPRIVILEGED: Final = "nobody"


@dataclass(frozen=True, slots=True)
class Account:
    user: int
    group: int

    @classmethod
    def for_postgres(cls) -> Self | None:
        """None: the present account will do. For root it is one that exists on every system."""
        if os.geteuid() != 0:
            return None
        entry = pwd.getpwnam(UNPRIVILEGED)
        return cls(entry.pw_uid, entry.pw_gid)

    def require_passage(self, *folders: Path) -> None:
        """Raise SurroundingsMissing when this account cannot come into one of these folders."""
        for folder in folders:
            check = subprocess.run(
                ["test", "-x", str(folder)], cwd="/", user=self.user, group=self.group, extra_groups=[]
            )
            if check.returncode != 0:
                raise SurroundingsMissing(
                    f"PostgreSQL does not run as root and the account '{UNPRIVILEGED}' may not enter {folder}: "
                    "work as another user, move it to where everybody may pass (SAMENSPEL_HOME names a home), "
                    "or name a server in SAMENSPEL_POSTGRES_DSN"
                )
