"""The replica's file: SQLite, written by one transaction per batch, read by anybody at the same time."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import Any, Final, Self

from samenspel.client.replica.apply import Hashes, ReplicaBatch, ReplicaLane, hex_of, key_of
from samenspel.contracts.catalogue import AGGREGATES
from samenspel.contracts.digest import REMOVED
from samenspel.contracts.sequencing import Position

VERSION: Final = 1
PAGE_BYTES: Final = 16_384
CACHE_KIB: Final = 131_072
CHECKPOINT_PAGES: Final = 8_000
WRITER_SECONDS_MAX: Final = 30.0

_INSERT: Final = "insert into event values "
_ROW: Final = "(null" + ", ?" * 16 + ")"
ROWS_PER_STATEMENT: Final = 100
"""Rows that go to SQLite one by one cost twice as much."""
_LAST_HASH: Final = "select hash from event where aggregate = ? and subject = ? order by number desc limit 1"
_MOVE: Final = (
    "update lane set sequence = ?, digest = ?, last_offset = ? where lane = ? and timeline = ? and sequence = ?"
)
_KEEP: Final = {
    "lane": "insert or ignore into kept.lane select * from main.lane where lane = ?",
    "event": "insert or ignore into kept.event select * from main.event where lane = ?",
}


@cache
def _insert(rows: int) -> str:
    """The statement that adds so many events."""
    return _INSERT + ", ".join([_ROW] * rows)


class ReplicaError(RuntimeError):
    """The file cannot be used; the text says why and what to do."""


class ReplicaStore:
    """One replica file. ``create`` makes it when it is not there; without, its absence is an error."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self.path = path
        if not create and not path.exists():
            raise ReplicaError(f"{path} is not there: `samenspel replica sync --db {path}` makes it")
        try:
            self._connection = sqlite3.connect(path, isolation_level=None, timeout=WRITER_SECONDS_MAX)
            self._prepare()
        except sqlite3.Error as error:
            raise ReplicaError(f"{path} is no replica: {error}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def query(self, sql: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        return self._connection.execute(sql, values)

    def query_named(self, sql: str, values: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
        """The same, with ``:names`` in the text."""
        return self._connection.execute(sql, values)

    def lane(self, topic: str, partition: int) -> ReplicaLane:
        """Where this copy stands on a lane; at its beginning when it was never read."""
        name = f"{topic}/{partition}"
        self._connection.execute(
            "insert into lane values (?, ?, ?, 1, 0, ?, -1) on conflict do nothing",
            (name, topic, partition, f"{0:064x}"),
        )
        return next(lane for lane in self.lanes() if lane.label == name)

    def lanes(self) -> list[ReplicaLane]:
        rows = self.query(
            "select topic, partition, timeline, sequence, digest, last_offset from lane order by topic, partition"
        )
        return [
            ReplicaLane(topic, partition, Position(timeline, sequence, int(digest, 16), offset), (timeline, sequence))
            for topic, partition, timeline, sequence, digest, offset in rows
        ]

    def batch(self, lanes: list[ReplicaLane]) -> ReplicaBatch:
        """A copy of these lanes that goes on where the file ends."""
        return ReplicaBatch({lane.name: lane for lane in lanes}, self.hashes())

    def hashes(self) -> Hashes:
        """What the digest needs. Without the index for asking one by one, all are read at once."""
        if self._can_find():
            return Hashes(find=self._find_hash)
        rows = self.query("select aggregate, subject, hash from event order by number")
        return Hashes({key_of(a.encode(), s.encode()): int.from_bytes(hash_, "big") for a, s, hash_ in rows})

    def commit(self, copy: ReplicaBatch) -> int:
        """Write what the copy gathered; how many events that were.

        Raises ReplicaError when another process has moved one of its lanes.
        """
        rows = copy.rows
        if not rows:
            return 0
        with self._transaction():
            for at in range(0, len(rows), ROWS_PER_STATEMENT):
                chunk = rows[at : at + ROWS_PER_STATEMENT]
                self._connection.execute(_insert(len(chunk)), tuple(chain.from_iterable(chunk)))
            self._move(copy)
        copy.committed()
        return len(rows)

    def forget(self, lane: ReplicaLane, timeline: int) -> None:
        """The owner started this lane anew: set aside what we have of it and stand at its new beginning."""
        if lane.sequence:
            lane.set_aside = str(self._set_aside(lane))
        with self._transaction():
            self._connection.execute("delete from event where lane = ?", (lane.label,))
            self._connection.execute(
                "update lane set timeline = ?, sequence = 0, digest = ?, last_offset = -1 where lane = ?",
                (timeline, f"{0:064x}", lane.label),
            )
        lane.position = Position(timeline)
        lane.stored, lane.ahead, lane.divergence = (timeline, 0), 0, None

    def _set_aside(self, lane: ReplicaLane) -> Path:
        """A replica of this lane alone, as it was: what its owner said once stays proven.

        A crash half-way leaves what may be repeated.
        """
        name = f"{self.path.name}.{lane.topic}-{lane.partition}.timeline-{lane.timeline}"
        kept = self.path.with_name(name)
        ReplicaStore(kept, create=True)._connection.close()
        self._connection.execute("attach ? as kept", (str(kept),))
        try:
            for table in ("lane", "event"):
                self._connection.execute(_KEEP[table], (lane.label,))
        finally:
            self._connection.execute("detach kept")
        return kept

    def speed_up_loading(self) -> None:
        """While a new file is filled nothing waits for the disk: what a power cut leaves then is thrown away.

        A crash of the process loses nothing even so; `settle` puts all of it on disk.
        """
        if not self._can_find():
            self._connection.execute("pragma synchronous = off")

    def finish(self) -> None:
        """Everything is in: make the index, which costs less now than on the way; from now on wait for the disk."""
        if not self._can_find():
            self._connection.execute("create index event_subject on event (aggregate, subject, number)")
        self._connection.execute("pragma synchronous = normal")
        self._connection.execute("pragma wal_checkpoint(passive)")

    def cursor(self, url: str) -> str:
        row = next(self.query("select cursor from feed where url = ?", url), None)
        return str(row[0]) if row else ""

    def save_cursor(self, url: str, cursor: str) -> None:
        self._connection.execute(
            "insert into feed values (?, ?) on conflict do update set cursor = excluded.cursor", (url, cursor)
        )

    def unknown_aggregates(self) -> int:
        """Aggregates of a kind that this version does not know; they are kept raw."""
        rows = self.query("select aggregate, count(*) from aggregate group by aggregate")
        return sum(count for aggregate, count in rows if aggregate not in AGGREGATES)

    def _prepare(self) -> None:
        (version,) = next(self.query("pragma user_version"))
        if version not in (0, VERSION):
            raise ReplicaError(f"{self.path} has format {version}, this program makes {VERSION}: sync a new file")
        self._connection.execute(f"pragma page_size = {PAGE_BYTES}")
        self._connection.execute("pragma journal_mode = wal")
        for setting in (
            "synchronous = normal",
            f"cache_size = -{CACHE_KIB}",
            f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
        ):
            self._connection.execute(f"pragma {setting}")
        if version == 0:
            folder = files(__package__)
            script = (folder / "schema.sql").read_text() + (folder / "views.sql").read_text()
            self._connection.executescript(f"begin immediate;\n{script}\ncommit;")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")

    def _move(self, copy: ReplicaBatch) -> None:
        for lane in copy.lanes.values():
            if (lane.timeline, lane.sequence) == lane.stored:
                continue
            place = (lane.sequence, hex_of(lane), lane.last_offset, lane.label, *lane.stored)
            if self._connection.execute(_MOVE, place).rowcount != 1:
                raise ReplicaError(f"another process is writing {self.path}: let it finish")

    def _can_find(self) -> bool:
        return next(self.query("select 1 from sqlite_master where name = 'event_subject'"), None) is not None

    def _find_hash(self, key: bytes) -> int:
        row = next(self.query(_LAST_HASH, *key.decode().split("\n", 1)), None)
        return int.from_bytes(row[0], "big") if row else REMOVED
