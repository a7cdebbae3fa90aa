"""The account that PostgreSQL runs under: it refuses to run as root."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local.errors import EnvironmentUnavailable

ACCOUNT: Final = "nobody"
"""An account that every system has, so that none is made on a user's machine."""


@dataclass(frozen=True, slots=True)
class Account:
    """`prefix` goes before a command to run it so; `owner` (user, group) must own what it writes."""

    prefix: tuple[str, ...] = ()
    owner: tuple[int, int] | None = None

    def may_enter(self, folder: Path) -> bool:
        try:
            check = subprocess.run([*self.prefix, "test", "-x", folder], cwd="/", capture_output=True)
        except FileNotFoundError:
            return False
        return check.returncode == 0

    def change_owner(self, *paths: Path) -> None:
        if self.owner is not None:
            for path in paths:
                shutil.chown(path, *self.owner)


def account_for_postgres(*folders: Path) -> Account:
    """The present account; for root, one that may enter all these folders.

    Best one that owns nothing else. Where that one cannot come (a checkout in ``/root``), root in a user
    namespace: it has no capabilities there, and a user id that is not 0.
    Raises SurroundingsMissing when neither will do.
    """
    if os.geteuid() != 0:
        return Account()
    entry = pwd.getpwnam(ACCOUNT)
    user, group = entry.pw_uid, entry.pw_gid
    unprivileged = Account(("setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "--"), (user, group))
    namespaced = Account(("unshare", "--user", f"--map-user={user}", f"--map-group={group}", "--"))
    for account in (unprivileged, namespaced):
        if all(account.may_enter(folder) for folder in folders):
            return account
    raise EnvironmentUnavailable(
        f"PostgreSQL refuses to run as root and the account '{ACCOUNT}' may not enter {folders[-1]}: "
        "work as another user, name a folder that everybody may enter in SAMENSPEL_HOME, "
        "or name a server in SAMENSPEL_POSTGRES_DSN"
    )
