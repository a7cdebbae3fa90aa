"""The account of the PostgreSQL process: PostgreSQL refuses to run as root."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local.errors import EnvironmentUnavailable

ACCOUNT: Final = "nobody"
"""An account that exists on every system, so that no account has to be created."""


@dataclass(frozen=True, slots=True)
class Account:
    """``prefix`` runs a command as this account; ``owner`` (user, group) must own files that the command writes."""

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
    """The current account; for root, an unprivileged account with access to ``folders``.

    First choice: `ACCOUNT`. If `ACCOUNT` has no access, for example to a checkout in root's home: root in a user
    namespace, without capabilities and with a user id other than 0.
    Raises EnvironmentUnavailable if neither account has access.
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
        "use another account, set SAMENSPEL_HOME to a folder that every account may enter, "
        "or set SAMENSPEL_POSTGRES_DSN to an existing server"
    )
