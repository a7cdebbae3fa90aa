"""Connections to a replica file: for writing, or for reading only, also on a medium that cannot be written."""

import sqlite3
from pathlib import Path
from typing import Final

WRITER_SECONDS_MAX: Final = 30.0
"""Time to wait for another process that writes the file."""

PRIMARY_CODE: Final = 0xFF
NOT_WRITABLE: Final = (
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
)
"""Result codes of SQLite for a file ``-shm`` that cannot be created: no right, a read-only medium, a full disk."""


class ReplicaError(RuntimeError):
    """The replica file cannot be used. The text names the reason and the remedy."""


def connect(path: Path) -> sqlite3.Connection:
    """A connection that writes; creates a missing file. Raises sqlite3.Error."""
    return sqlite3.connect(path, isolation_level=None, timeout=WRITER_SECONDS_MAX)


def connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection that only reads. Raises ReplicaError for a missing file, and sqlite3.Error.

    SQLite creates a file ``-shm`` beside a file in WAL mode, and removes it at the end; a read-only medium refuses.
    Without a ``-wal`` the file is complete, and is opened as immutable
    (https://www.sqlite.org/wal.html#read_only_databases).
    """
    if path.exists() and not path.is_file():
        raise ReplicaError(f"{path} is not a file: name another with --db")
    if not path.exists():
        raise ReplicaError(f"{path} does not exist: `samenspel replica sync --db {path}` creates it")
    try:
        return _open(path, "mode=rw")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & PRIMARY_CODE not in NOT_WRITABLE:
            raise
        log = path.with_name(f"{path.name}-wal")
        if log.exists() and log.stat().st_size:
            raise ReplicaError(
                f"{log} holds events that cannot be read here: copy {path.name} and {log.name} to another folder"
            ) from None
        return _open(path, "mode=ro&immutable=1")


def unusable_text(path: Path, error: sqlite3.Error) -> str:
    """Sentence about a file that SQLite cannot open."""
    if isinstance(error, sqlite3.OperationalError):
        return f"{path} cannot be opened ({error}): check the rights and the space on its disk"
    return f"{path} is not a replica ({error}): name another file with --db"


def _open(path: Path, options: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{options}", uri=True, isolation_level=None, timeout=WRITER_SECONDS_MAX
    )
    try:
        connection.execute("pragma query_only = on")
        # Temporary tables and sorting need no room on a disk, which may be full.
        connection.execute("pragma temp_store = memory")
        connection.execute("select count(*) from sqlite_master").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection
