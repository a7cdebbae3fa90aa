"""Environments in which every service starts, each without one thing that a service needs."""

import asyncio
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg
from samenspel.contracts.topics import Service

from deploy.local.ports import Listener
from deploy.local.services import environment_of
from deploy.local.system import LocalSystem
from tests.support.proxy import LOOPBACK, KafkaProxy, Proxy

WRONG: Final = "a-wrong-password"
DISK_FULL: Final = """
create function fill_disk() returns event_trigger language plpgsql as
$$ begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$;
create event trigger disk_is_full on ddl_command_start execute function fill_disk();
"""
DISK_WITH_ROOM: Final = "drop event trigger disk_is_full; drop function fill_disk();"
Changes = dict[str, str]


@dataclass(slots=True)
class Started:
    """The changes of a service's environment, and how the cause ends; ``heal`` is None when a restart is needed."""

    changes: Changes = field(default_factory=dict)
    heal: Callable[[], object] | None = None


Arrange = Callable[[LocalSystem, Service, Path], AbstractContextManager[Started]]


@dataclass(frozen=True, slots=True)
class Failure:
    """``named`` is what ``/readyz`` says by name of the dependency; without it the process ends with ``told``."""

    name: str
    arrange: Arrange
    named: Mapping[str, str] = field(default_factory=dict)
    told: str = ""
    shell: str = "exec {command}"
    """How a shell starts the service: with limits, and with redirected streams."""


def _changed(**changes: str) -> Arrange:
    """Variables that differ, without the prefix; ``{folder}`` is a folder of the test."""

    def arrange(system: LocalSystem, service: Service, folder: Path) -> AbstractContextManager[Started]:
        return nullcontext(
            Started({f"SAMENSPEL_{name}": value.format(folder=folder) for name, value in changes.items()})
        )

    return arrange


def _dsn(system: LocalSystem, service: Service, **parts: str) -> Changes:
    return {"SAMENSPEL_POSTGRES_DSN": urlsplit(system.databases.dsn(service))._replace(**parts).geturl()}


@contextmanager
def _no_database(system: LocalSystem, service: Service, folder: Path) -> Iterator[Started]:
    yield Started(_dsn(system, service, netloc=f"{service}@{LOOPBACK}:1"))


@contextmanager
def _absent_database(system: LocalSystem, service: Service, folder: Path) -> Iterator[Started]:
    yield Started(_dsn(system, service, path="/absent"))


@contextmanager
def _unknown_database_host(system: LocalSystem, service: Service, folder: Path) -> Iterator[Started]:
    yield Started(_dsn(system, service, netloc=f"{service}@absent.invalid:5432"))


@contextmanager
def _encryption_that_is_not_offered(system: LocalSystem, service: Service, folder: Path) -> Iterator[Started]:
    yield Started(_dsn(system, service, query="sslmode=require"))


@contextmanager
def _silent_database(system: LocalSystem, service: Service, folder: Path) -> Iterator[Started]:
    """A server that accepts connections and says nothing, until it is healed."""
    with Proxy(_port(system, "postgres")) as proxy:
        proxy.half_open()
        yield Started(_dsn(system, service, netloc=f"{service}@{LOOPBACK}:{proxy.port}"), proxy.heal)


@contextmanager
def _silent_kafka(system: LocalSystem, service: Service, folder: Path) -> Iterator[Started]:
    with KafkaProxy(_port(system, "kafka")) as proxy:
        proxy.half_open()
        yield Started({"SAMENSPEL_KAFKA_BOOTSTRAP": f"{LOOPBACK}:{proxy.port}"}, proxy.heal)


def _port(system: LocalSystem, listener: Listener) -> int:
    port = system.ports.remembered(listener)
    assert port is not None
    return port


@contextmanager
def _read_only_database(system: LocalSystem, service: Service, folder: Path) -> Iterator[Started]:
    setting = f'alter role "{service}" in database "{service}"'
    _as_superuser(system, service, f"{setting} set default_transaction_read_only = on")
    reset = f"{setting} reset default_transaction_read_only"
    try:
        yield Started(heal=lambda: _as_superuser(system, service, reset))
    finally:
        _as_superuser(system, service, reset)


@contextmanager
def _full_database(system: LocalSystem, service: Service, folder: Path) -> Iterator[Started]:
    """The error of a full disk, which PostgreSQL itself raises in `test_disk_full`."""
    _as_superuser(system, service, DISK_FULL)
    healed: list[bool] = []

    def heal() -> None:
        if not healed:
            _as_superuser(system, service, DISK_WITH_ROOM)
            healed.append(True)

    try:
        yield Started(heal=heal)
    finally:
        heal()


@contextmanager
def _absent_keys(system: LocalSystem, service: Service, folder: Path) -> Iterator[Started]:
    file = folder / f"{service}.json"
    yield Started(
        {"SAMENSPEL_JWKS": str(file)},
        lambda: file.write_text((system.profile.issuer_folder / "jwks.json").read_text()),
    )


@contextmanager
def _taken_port(system: LocalSystem, service: Service, folder: Path) -> Iterator[Started]:
    with socket.create_server((LOOPBACK, 0)) as other:
        yield Started({"SAMENSPEL_HTTP_PORT": str(other.getsockname()[1])})


@contextmanager
def _variables_of_libpq(system: LocalSystem, service: Service, folder: Path) -> Iterator[Started]:
    yield Started({"PGSSLMODE": "require", "PGHOST": "192.0.2.1", "PGPASSWORD": WRONG, "PGTARGETSESSIONATTRS": "x"})


def _as_superuser(system: LocalSystem, database: str, statement: str) -> None:
    """Run a statement in the database of a service. In a loop of its own: the caller may be in one."""

    async def execute() -> None:
        dsn = urlsplit(system.postgres.admin_dsn)._replace(path=f"/{database}").geturl()
        connection: Any = await asyncpg.connect(dsn)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, execute()).result()


FAILURES: Final = (
    Failure("no-database", _no_database, {"database": "cannot be reached at the address in SAMENSPEL_POSTGRES_DSN"}),
    Failure("unknown-host", _unknown_database_host, {"database": "the name is not known"}),
    Failure("silent-database", _silent_database, {"database": "time-out"}),
    Failure("absent-database", _absent_database, {"database": "has no database with the name"}),
    Failure("no-encryption", _encryption_that_is_not_offered, {"database": "PostgreSQL cannot be"}),
    Failure(
        "wrong-database-password",
        _changed(POSTGRES_PASSWORD=WRONG, SECRETS_DIR="{folder}/without-postgres_password"),
        {"database": "refuses the user or the password"},
    ),
    Failure("read-only-database", _read_only_database, {"database": "read-only"}),
    Failure("full-database", _full_database, {"database": "disk or memory is full"}),
    Failure("no-kafka", _changed(KAFKA_BOOTSTRAP="127.0.0.1:1"), {"kafka": "connection refused"}),
    Failure("silent-kafka", _silent_kafka, {"kafka": "no answer in time"}),
    Failure(
        "wrong-kafka-password",
        _changed(KAFKA_PASSWORD=WRONG, SECRETS_DIR="{folder}/without-kafka_password"),
        {"kafka": "refuses the user or the password"},
    ),
    Failure("absent-keys", _absent_keys, {"issuer keys": "no such file or directory"}),
    Failure("wrong-keys", _changed(JWKS=sys.executable), {"issuer keys": "leads to no JSON Web Key Set"}),
    Failure("no-issuer", _changed(JWKS="https://127.0.0.1:1/jwks"), {"issuer keys": "does not answer"}),
    Failure("taken-port", _taken_port, told="is taken by another program"),
    Failure("absent-secrets", _changed(SECRETS_DIR="{folder}/absent"), told="SAMENSPEL_SECRETS_DIR"),
    Failure("unreadable-secret", _changed(SECRETS_DIR="{folder}/unreadable"), told="SAMENSPEL_KAFKA_PASSWORD"),
    Failure("misspelt-setting", _changed(HTTP_PROT="8080"), told="did you mean SAMENSPEL_HTTP_PORT?"),
    Failure("absent-certificate", _changed(KAFKA_CA_FILE="{folder}/absent.pem"), told="SAMENSPEL_KAFKA_CA_FILE"),
    Failure("variables-of-libpq", _variables_of_libpq),
    Failure("full-disk-for-the-log", _changed(), shell="exec {command} > /dev/full 2>&1"),
    Failure("no-file-can-grow", _changed(), shell="ulimit -f 0; exec {command}"),
    Failure("closed-streams", _changed(), shell="exec {command} <&- >&- 2>&-"),
)
"""In the order of the chapters: database, Kafka, keys, settings; the last are no failures for a service at all."""


def environment(system: LocalSystem, service: Service, changes: Changes) -> Changes:
    return environment_of(service, system.home, system.kafka.bootstrap, system.databases) | changes


def arrange_secrets(system: LocalSystem, service: Service, folder: Path) -> None:
    """Copies of the service's secrets: without one of them, and with one that is a folder."""
    own = system.secrets.folder_of(service)
    for left_out in ("postgres_password", "kafka_password"):
        copy = folder / f"without-{left_out}"
        copy.mkdir()
        for file in own.iterdir():
            if file.name != left_out:
                (copy / file.name).write_text(file.read_text())
    (folder / "unreadable" / "kafka_password").mkdir(parents=True)
    (folder / "unreadable" / "postgres_password").write_text("x")
