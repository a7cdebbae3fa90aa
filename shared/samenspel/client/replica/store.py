"""The replica file: SQLite, written in one transaction per batch, with concurrent readers."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import Any, Final, Self

from samenspel.client.replica import past_state
from samenspel.client.replica.apply import Hashes, Known, ReplicaBatch, ReplicaLane, hex_of, key_of
from samenspel.client.replica.connection import ReplicaError, connect, connect_to_read, unusable_text
from samenspel.client.replica.current_state import CurrentState
from samenspel.client.replica.moment import PastMoment
from samenspel.contracts.digest import REMOVED
from samenspel.contracts.sequencing import Position

VERSION: Final = 2
"""Format of the file. Version 2 has the tables of the current state; version 1 is upgraded when a sync opens it."""
READABLE: Final = (1, VERSION)
VIEWS_OF_VERSION_1: Final = (
    "aggregate",
    "organisation",
    "membership",
    "initiative",
    "initiative_cost",
    "rollout",
    "milestone",
    "application",
    "programme",
    "subscription",
)
PAGE_BYTES: Final = 16_384
CACHE_KIB: Final = 131_072
CHECKPOINT_PAGES: Final = 8_000

_INSERT: Final = "insert into event values "
_ROW: Final = "(null" + ", ?" * 16 + ")"
ROWS_PER_STATEMENT: Final = 100
"""Inserting rows one by one takes twice as long."""
_LAST_HASH: Final = "select hash from event where aggregate = ? and subject = ? order by number desc limit 1"
_SAVE_POSITION: Final = (
    "update lane set sequence = ?, digest = ?, last_offset = ? where lane = ? and timeline = ? and sequence = ?"
)
# The identity of a lane outlives its events: after the start of a new timeline the lane is empty for a moment.
_LANES: Final = """
select topic, partition, timeline, sequence, digest, last_offset, coalesce(
  (select id from event e where (e.lane, e.timeline, e.sequence) = (lane.lane, lane.timeline, 1)),
  {kept}, '') as identity
from lane order by topic, partition
"""
_KEPT_IDENTITY: Final = "(select id from lane_identity i where i.lane = lane.lane)"
_LAST_NUMBER: Final = "select coalesce(max(number), 0) from event"
_KNOWN: Final = "select id, digest from event where lane = ? and timeline = ? and sequence = ?"
_KEEP_IDENTITY: Final = (
    "insert or replace into lane_identity select lane, id from event where lane = ? and timeline = ? and sequence = 1"
)
_IDENTITY_TABLE: Final = "create table if not exists lane_identity (lane text primary key, id text not null)"
_KEYS_OF_LANE: Final = "select distinct aggregate, subject from event where lane = ?"
_EMPTY: Final = (
    "delete from event",
    "delete from lane",
    "delete from feed",
    "delete from lane_identity",
)
_OTHER_KINDS: Final = "select count(*) from other_aggregate"
_ANY_EVENT: Final = "select 1 from event limit 1"
_INDEX: Final = "select 1 from sqlite_master where name = 'event_subject'"
_COPY_TO_ARCHIVE: Final = {
    "lane": "insert or ignore into archive.lane select * from main.lane where lane = ?",
    "event": "insert or ignore into archive.event select * from main.event where lane = ?",
}


def _log_definitions() -> list[str]:
    """Statements of ``schema.sql``, without the comments between them."""
    script = (files(__package__) / "schema.sql").read_text(encoding="utf-8")
    return [statement for statement in script.split(";\n") if "create " in statement]


@cache
def _insert(rows: int) -> str:
    """SQL that inserts this number of events."""
    return _INSERT + ", ".join([_ROW] * rows)


class ReplicaStore:
    """One replica file; a context manager.

    ``create`` opens the file for writing, and creates a missing file. Without ``create`` the file is only read, also
    on a medium that cannot be written. Raises ReplicaError when the file is missing, is not a replica, or cannot be
    opened; then the file is unchanged.
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self.path = path
        try:
            self._connection = connect(path) if create else connect_to_read(path)
            self._state = CurrentState(self._connection)
            if create:
                self._prepare()
            else:
                self._require_replica()
        except sqlite3.Error as error:
            raise ReplicaError(unusable_text(path, error)) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def query(self, sql: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        return self._connection.execute(sql, values)

    def query_named(self, sql: str, values: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
        """Query with named parameters, ``:name`` in the SQL."""
        return self._connection.execute(sql, values)

    def lane(self, topic: str, partition: int) -> ReplicaLane:
        """Position of the replica on a lane; sequence 0 for a new lane."""
        name = f"{topic}/{partition}"
        self._connection.execute(
            "insert into lane values (?, ?, ?, 1, 0, ?, -1) on conflict do nothing",
            (name, topic, partition, f"{0:064x}"),
        )
        return next(lane for lane in self.lanes() if lane.label == name)

    def lanes(self) -> list[ReplicaLane]:
        # A file of an older version that is only read has no kept identities.
        kept = _KEPT_IDENTITY if "lane_identity" in self._tables() else "null"
        return [
            ReplicaLane(
                topic,
                partition,
                Position(timeline, sequence, int(digest, 16), offset),
                (timeline, sequence),
                identity=identity,
            )
            for topic, partition, timeline, sequence, digest, offset, identity in self.query(_LANES.format(kept=kept))
        ]

    def batch(self, lanes: list[ReplicaLane]) -> ReplicaBatch:
        """An empty batch that continues at the positions of these lanes."""
        return ReplicaBatch({lane.name: lane for lane in lanes}, self.hashes(), self.known)

    def known(self, lane: ReplicaLane, sequence: int) -> Known | None:
        """Id and digest of the stored event at this place of the lane's timeline; None without such an event."""
        return next(self.query(_KNOWN, lane.label, lane.timeline, sequence), None)

    def hashes(self) -> Hashes:
        """Hashes of the stored aggregates. Before the tables are filled all hashes are read into memory."""
        if self._state.is_filled():
            return Hashes(find=self._find_hash)
        rows = self.query("select aggregate, subject, hash from event order by number")
        return Hashes({key_of(a.encode(), s.encode()): int.from_bytes(hash_, "big") for a, s, hash_ in rows})

    def commit(self, batch: ReplicaBatch) -> int:
        """Commit the rows of the batch, with the state after the rows, and return their number.

        Raises ReplicaError when another process has written one of the lanes.
        """
        rows = batch.rows
        if not rows:
            return 0
        with self._transaction():
            (before,) = next(self.query(_LAST_NUMBER))
            for at in range(0, len(rows), ROWS_PER_STATEMENT):
                chunk = rows[at : at + ROWS_PER_STATEMENT]
                self._connection.execute(_insert(len(chunk)), tuple(chain.from_iterable(chunk)))
            self._save_positions(batch)
            self._state.apply(rows, before)
        batch.mark_committed()
        return len(rows)

    def restart_lane(self, lane: ReplicaLane, timeline: int) -> None:
        """Remove a lane after its owner started a new ``timeline``; the events go into an archive file first."""
        if lane.sequence:
            lane.set_aside = str(self._archive_lane(lane))
        with self._transaction():
            self._connection.execute(_KEEP_IDENTITY, (lane.label, lane.timeline))
            keys = list(self.query(_KEYS_OF_LANE, lane.label))
            self._connection.execute("delete from event where lane = ?", (lane.label,))
            self._state.refresh(keys)
            self._connection.execute(
                "update lane set timeline = ?, sequence = 0, digest = ?, last_offset = -1 where lane = ?",
                (timeline, f"{0:064x}", lane.label),
            )
        lane.position = Position(timeline)
        lane.stored, lane.highest_unapplied, lane.unmet, lane.divergence = (timeline, 0), 0, 0, None

    def empty(self) -> None:
        """Remove all lanes, events and cursors in one transaction; the file is then loaded like a new file."""
        with self._transaction():
            for statement in _EMPTY:
                self._connection.execute(statement)
            self._state.define()

    def _archive_lane(self, lane: ReplicaLane) -> Path:
        """Copy the lane into a replica file of its own, as proof of the earlier timeline.

        Idempotent: repeating after a crash is harmless.
        """
        name = f"{self.path.name}.{lane.topic}-{lane.partition}.timeline-{lane.timeline}"
        archive = self.path.with_name(name)
        ReplicaStore(archive, create=True)._connection.close()
        self._connection.execute("attach ? as archive", (str(archive),))
        try:
            for table in ("lane", "event"):
                self._connection.execute(_COPY_TO_ARCHIVE[table], (lane.label,))
        finally:
            self._connection.execute("detach archive")
        with ReplicaStore(archive, create=True) as copy:
            copy.finish()
        return archive

    @property
    def is_loaded(self) -> bool:
        """Whether a sync has reached the end of the lanes once, so that the tables of the state are filled."""
        return self._state.is_filled()

    @property
    def has_tables(self) -> bool:
        """Whether the file has filled tables of the current state."""
        return self._version() == VERSION and ("state_position" not in self._tables() or self.is_loaded)

    def differences(self) -> list[str]:
        """Names of tables, indexes and views that the file does not have in the form of this version."""
        return self._state.differences()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Inside, all reads see the same commit, and the state at another moment may be shown."""
        with past_state.snapshot(self._connection):
            yield

    def show_events(self, events: Iterable[past_state.AggregateEvent]) -> None:
        """Show the tables after these last events, until the snapshot ends; for the proof."""
        past_state.show_events(self._connection, events)

    def show_moment(self, moment: PastMoment) -> None:
        """Show all tables and views as of the moment, until the snapshot ends."""
        past_state.show_moment(self._connection, moment)

    def value_at(self, aggregate: str, subject: str, moment: PastMoment) -> str | bytes | None:
        """Public state of one aggregate at the moment, as published; None when there was none."""
        return past_state.value_at(self._connection, aggregate, subject, moment)

    def answer(self, sql: str, values: Mapping[str, Any]) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Column names and rows of one statement that reads. Raises sqlite3.Error."""
        cursor = self._connection.execute(sql, values)
        return [each[0] for each in cursor.description or ()], cursor.fetchall()

    def require_tables(self) -> None:
        """Raise ReplicaError for a file of version 1, and for a file whose first sync has not ended."""
        if self._version() < VERSION:
            raise ReplicaError(
                f"{self.path} is of an earlier version and has no tables: `samenspel replica sync --db {self.path}` "
                "adds the tables"
            )
        self.require_loaded()

    def require_loaded(self) -> None:
        """Raise ReplicaError while the first sync has not ended: the tables are empty until then.

        A file of version 1 has no tables, and its view ``aggregate`` shows the log at any time.
        """
        if self._version() == VERSION and not self.is_loaded and next(self.query(_ANY_EVENT), None):
            raise ReplicaError(
                f"the first sync into {self.path} has not ended, so its tables are empty: "
                f"run `samenspel replica sync --db {self.path}` to the end"
            )

    def speed_up_loading(self) -> None:
        """Write a new file without fsync; `finish` flushes the file.

        A crash of the process loses nothing. After a power cut a file that was being loaded must be created again.
        """
        if not self._state.is_filled():
            self._connection.execute("pragma synchronous = off")

    def finish(self) -> None:
        """End loading: fill the tables of the current state, now cheaper than during the load, and enable fsync."""
        if not self._state.is_filled():
            with self._transaction():
                self._state.fill()
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
        """Number of aggregates of kinds unknown to this version; their events are stored raw."""
        number: int = next(self.query(_OTHER_KINDS))[0]
        return number

    def _prepare(self) -> None:
        """Settings of a writer, and the tables of a new file."""
        is_new = not self._tables()
        if not is_new:
            self._require_replica()
        self._connection.execute(f"pragma page_size = {PAGE_BYTES}")
        self._connection.execute("pragma journal_mode = wal")
        for setting in (
            "synchronous = normal",
            f"cache_size = -{CACHE_KIB}",
            f"wal_autocheckpoint = {CHECKPOINT_PAGES}",
        ):
            self._connection.execute(f"pragma {setting}")
        if is_new or self._version() < VERSION or self._state.is_damaged():
            with self._transaction():
                self._upgrade()

    def _upgrade(self) -> None:
        """Give a new, older or damaged file the tables of this version; filled, unless the first sync has not ended.

        Another process may have done so since: everything is looked up again inside the transaction.
        """
        tables = self._tables()
        is_loaded = next(self.query(_INDEX), None) is not None
        for statement in () if "event" in tables else _log_definitions():
            self._connection.execute(statement)
        self._connection.execute(_IDENTITY_TABLE)
        if self._version() < VERSION:
            for name in VIEWS_OF_VERSION_1:
                self._connection.execute(f"drop view if exists {name}")
        elif not self._state.is_damaged():
            return
        if is_loaded:
            self._state.fill()
        else:
            self._state.define()
        self._connection.execute(f"pragma user_version = {VERSION}")

    def _tables(self) -> set[str]:
        return {name for (name,) in self.query("select name from sqlite_master where type = 'table'")}

    def _require_replica(self) -> None:
        """Raise ReplicaError for a file of another program, and for a replica of another version."""
        if not {"event", "lane"} <= self._tables():
            raise ReplicaError(f"{self.path} is not a replica: name another file with --db")
        version = self._version()
        if version not in READABLE:
            raise ReplicaError(
                f"{self.path} has format {version}, this program needs {VERSION}: sync into a new file"
            )

    def _version(self) -> int:
        version: int = next(self.query("pragma user_version"))[0]
        return version

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")

    def _save_positions(self, batch: ReplicaBatch) -> None:
        for lane in batch.lanes.values():
            if (lane.timeline, lane.sequence) == lane.stored:
                continue
            position = (lane.sequence, hex_of(lane), lane.last_offset, lane.label, *lane.stored)
            if self._connection.execute(_SAVE_POSITION, position).rowcount != 1:
                raise ReplicaError(f"another process is writing {self.path}: wait until that process ends")

    def _find_hash(self, key: bytes) -> int:
        row = next(self.query(_LAST_HASH, *key.decode().split("\n", 1)), None)
        return int.from_bytes(row[0], "big") if row else REMOVED
