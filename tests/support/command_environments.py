"""Environments in which every command runs: each lacks one thing that a command may need."""

import os
import resource
import shutil
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from samenspel.client.access.profile import Credential, KafkaAccess, Profile, System
from samenspel.client.replica import ReplicaStore
from samenspel.contracts.organisations import OPERATOR

UTRECHT: Final = "00000099000000000344"
CURACAO: Final = "Land Cura\u00e7ao"
NOBODY: Final = 65_534
NOWHERE: Final = "127.0.0.1:1"
"""Nothing listens there."""
LINE: Final = (
    '{"type": "rollout-started", "data": {"rollout_id": "0198c5a2-0000-7000-8000-000000000001", '
    '"initiative_id": "0198c5a2-0000-7000-8000-000000000002", "started_on": "2026-01-01"}}\n'
)


def nothing() -> None:
    """The process stays as it is."""


def close_stream(descriptor: int) -> None:
    os.close(descriptor)


def break_pipe() -> None:
    """stdout is a pipe whose reader has gone."""
    reader, writer = os.pipe()
    os.dup2(writer, 1)
    os.close(writer)
    os.close(reader)


def write_to_full_disk() -> None:
    """stdout goes to a disk without room."""
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, 1)
    os.close(full)


def fill_disk() -> None:
    """No file can grow any more; the pipes of stdout and stderr can."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def lose_rights() -> None:
    """The user is nobody: root may read and write everything."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)


def leave_folder() -> None:
    """The current folder is removed by another process."""
    os.mkdir("gone")
    os.chdir("gone")
    os.rmdir("../gone")


@dataclass(slots=True)
class Place:
    """A folder with everything that a command may need, except a running system."""

    folder: Path
    taken_port: int
    """Port of this machine at which another server listens."""
    variables: dict[str, str] = field(default_factory=dict)

    def make(self) -> None:
        profile = Profile(self.profile)
        http = {service: f"http://{NOWHERE}" for service in ("registry", "funding", "notifier")}
        kafka = KafkaAccess(bootstrap=NOWHERE, security_protocol="SASL_PLAINTEXT")
        profile.save_system(System.model_validate({"kafka": kafka, "http": http}))
        for name, oin in (("Operator", OPERATOR), (CURACAO, UTRECHT)):
            profile.save(Credential(name=name, oin=oin, username=oin, password="geheim", token="geheim"))
        (self.profile / "admin.json").write_text('{"username": "admin", "password": "geheim"}')
        for name in ("one.db", "two.db"):
            ReplicaStore(self.folder / name, create=True)._connection.close()
        (self.folder / "lines.ndjson").write_text(LINE)
        (self.folder / "home").mkdir()
        (self.folder / "home" / "lock").touch()
        self.variables = {
            "SAMENSPEL_PROFILE": str(self.profile),
            "SAMENSPEL_HOME": str(self.folder / "home"),
            "JAVA_HOME": str(self.folder / "no-java"),
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
        }

    @property
    def profile(self) -> Path:
        return self.folder / "profile"


def _without_profile(place: Place) -> None:
    shutil.rmtree(place.profile)


def _with_damaged_profile(place: Place) -> None:
    (place.profile / "system.json").write_text('{"kafka": {"bootst')


def _with_another_server(place: Place) -> None:
    """At the addresses of the system, a server answers that is none of its services."""
    system = Profile(place.profile).system()
    http = {service: f"http://127.0.0.1:{place.taken_port}" for service in system.http}
    kafka = system.kafka.model_copy(update={"bootstrap": f"127.0.0.1:{place.taken_port}"})
    Profile(place.profile).save_system(system.model_copy(update={"http": http, "kafka": kafka}))


def _with_foreign_files(place: Place) -> None:
    """A database of another program, a text and a folder of somebody in the places of our files."""
    with sqlite3.connect(place.folder / "other.db") as other:
        other.execute("create table address (name text)")
    other.close()
    (place.folder / "one.db").unlink()
    (place.folder / "other.db").rename(place.folder / "one.db")
    (place.folder / "two.db").write_text("Geachte heer, mevrouw, " * 100)
    (place.folder / "lines.ndjson").write_bytes(b"PK\x03\x04\xff\xfe" * 20)
    (place.folder / "home" / "lock").unlink()
    (place.folder / "home" / "holiday.jpg").write_bytes(b"\xff\xd8")


def _read_only(place: Place) -> None:
    for path in (place.folder, *place.folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)


def _forbidden(place: Place) -> None:
    """Nobody but the owner may read any file."""
    place.folder.chmod(0o755)
    for path in place.folder.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)


def _without_temporary_folder(place: Place) -> None:
    place.variables["TMPDIR"] = str(place.folder / "absent")
    _read_only(place)


def _as_it_is(place: Place) -> None: ...


@dataclass(frozen=True, slots=True)
class Environment:
    """``prepare`` changes the files, ``change`` the process; ``lacks`` names unmet needs of commands."""

    name: str
    lacks: frozenset[str] = frozenset()
    prepare: Callable[[Place], None] = _as_it_is
    change: Callable[[], None] = nothing
    encoding: str = "utf-8"
    decomposed: bool = False
    """Whether arguments are in Unicode form NFD, as file names of macOS are."""
    is_silent: bool = False
    """Whether stderr cannot be read."""
    codes: Mapping[str, int] = field(default_factory=dict)
    """Exit codes by command that differ from the rule in the test."""


def _lacking(name: str, *lacks: str, **details: object) -> Environment:
    return Environment(name, frozenset(lacks), **details)  # type: ignore[arg-type]  # the fields are Environment's


ENVIRONMENTS: Final = (
    _lacking("no-system"),
    _lacking("another-server", prepare=_with_another_server),
    _lacking("no-profile", "profile", prepare=_without_profile),
    _lacking("damaged-profile", "profile", prepare=_with_damaged_profile, codes={"emit from stdin": 0}),
    _lacking("closed-stdin", "stdin", change=partial(close_stream, 0)),
    _lacking("closed-stdout", "stdout", change=partial(close_stream, 1)),
    _lacking("closed-stderr", change=partial(close_stream, 2), is_silent=True),
    _lacking("closed-pipe", change=break_pipe, codes={"doctor": 0}),
    _lacking("full-stdout", "stdout", change=write_to_full_disk),
    _lacking("full-disk", "room", change=fill_disk),
    _lacking("read-only", "room", "writing", prepare=_read_only, change=lose_rights),
    _lacking("no-permission", "profile", "files", "home", "writing", prepare=_forbidden, change=lose_rights),
    _lacking("foreign-files", "files", "home", prepare=_with_foreign_files, codes={"emit": 1, "status": 1}),
    _lacking("no-temporary-folder", "room", "writing", prepare=_without_temporary_folder, change=lose_rights),
    _lacking("no-folder", "files", change=leave_folder, codes={"emit": 2}),
    _lacking("latin-1", encoding="latin-1"),
    _lacking("ascii", encoding="ascii"),
    _lacking("cp1252", encoding="cp1252"),
    _lacking("decomposed", decomposed=True),
)
