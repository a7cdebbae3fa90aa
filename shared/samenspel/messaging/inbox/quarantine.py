"""Quarantine of undecodable records, and of submissions with a failed processing.

An entry has the reason and the raw bytes, or the deferred submission as stored. Entries are append-only. An action of
the operator is a separate row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import orjson
from aiokafka import ConsumerRecord

from samenspel.messaging.inbox.deferrals import DeferredSubmission
from samenspel.messaging.kafka.record_format import Headers
from samenspel.runtime import failpoints
from samenspel.runtime.bulk_parameters import as_arrays
from samenspel.runtime.postgres import Connection

OperatorAction = Literal["retry", "discard"]


@dataclass(frozen=True, slots=True)
class QuarantinedRecord:
    """A record in quarantine; ``appended_at`` in ms since 1970.

    ``headers`` is None when the headers could not be decoded; ``raw`` then has the record's bytes from the log. A
    deferred submission has no ``offset``, but has ``record``, ``received_at`` and the ``hash`` of the content.
    """

    topic: str
    lane: int
    offset: int | None
    appended_at: int
    reason: str
    detail: str
    key: bytes | None = None
    headers: Headers | None = None
    value: bytes | None = None
    raw: bytes | None = None
    record: str | None = None
    received_at: datetime | None = None
    hash: bytes | None = None

    @property
    def header_bytes(self) -> bytes | None:
        if self.headers is None:
            return None
        return orjson.dumps([[name, raw and raw.decode("latin-1")] for name, raw in self.headers])

    @property
    def stored_bytes(self) -> int:
        """Size of the stored content."""
        content = (self.key, self.header_bytes, self.value, self.raw, self.detail)
        return sum(len(each) for each in content if each is not None)


INSERT = """
insert into quarantine (topic, lane, "offset", appended_at, reason, detail, key, headers, value, raw,
                        record, received_at, hash)
select * from unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[], $5::text[], $6::text[],
                     $7::bytea[], $8::bytea[], $9::bytea[], $10::bytea[],
                     $11::text[], $12::timestamptz[], $13::bytea[])
on conflict do nothing
"""
# `known` walks the index from reason to reason.
COUNT = """
with recursive known as (
  (select reason from quarantine order by reason limit 1)
  union all
  select (select q.reason from quarantine q where q.reason > k.reason order by q.reason limit 1)
  from known k where k.reason is not null)
select k.reason, (select count(*) from open_quarantine o where o.reason = k.reason) as number
from known k where k.reason is not null
"""
PAGE = """
select q.number, q.topic, q.lane, q."offset", q.record, q.appended_at, q.reason, q.detail, q.quarantined_at,
  exists (select from open_quarantine o where o.number = q.number) as open
from quarantine q where q.number > $1 order by q.number limit $2
"""
PAGE_OF_OPEN = """
select q.number, q.topic, q.lane, q."offset", q.record, q.appended_at, q.reason, q.detail, q.quarantined_at,
  true as open
from (select number from open_quarantine where number > $1 order by number limit $2) p
join quarantine q using (number) order by q.number
"""
FIND = "select * from quarantined where number = $1"
LOCK = "select number from quarantine where number = $1 for update"
ACTIONS = """
select action, operator, why, outcome, detail, taken_at from quarantine_action where record = $1 order by number
"""
RECORD_ACTION = """
insert into quarantine_action (record, action, operator, why, outcome, detail) values ($1, $2, $3, $4, $5, $6)
"""


async def insert(connection: Connection, records: Sequence[QuarantinedRecord]) -> None:
    """Insert records. A record with an entry in quarantine is ignored."""
    rows: list[tuple[Any, ...]] = [
        (
            record.topic,
            record.lane,
            record.offset,
            record.appended_at,
            record.reason,
            record.detail[:1_000].replace("\x00", ""),
            record.key,
            record.header_bytes,
            record.value,
            record.raw,
            record.record,
            record.received_at,
            record.hash,
        )
        for record in records
    ]
    if rows:
        failpoints.reached("quarantine.insert")
        await connection.execute(INSERT, *as_arrays(rows, 13))


def from_deferred(deferred: DeferredSubmission, topic: str, reason: str, detail: str) -> QuarantinedRecord:
    """The quarantine entry of a deferred submission; ``topic`` is the organisation's ingress, also for HTTP."""
    row = deferred.row
    named = {name: row[name] for name in ("id", "source", "type", "correlationid", "traceparent") if row[name]}
    headers = [(f"ce_{name}", text.encode()) for name, text in {"specversion": "1.0", **named}.items()]
    received = row["received_at"]
    return QuarantinedRecord(
        topic,
        0,
        None,
        int(received.timestamp() * 1_000),
        reason,
        detail,
        headers=headers,
        value=row["data"],
        record=row["record"],
        received_at=received,
        hash=row["hash"],
    )


async def count(connection: Connection) -> dict[str, int]:
    """Number of open entries by reason, including reasons without an open entry."""
    return {row["reason"]: row["number"] for row in await connection.fetch(COUNT)}


async def page(connection: Connection, after: int, only_open: bool, limit: int) -> list[dict[str, Any]]:
    """Entries with a number above ``after``, by number, without the content."""
    return [dict(row) for row in await connection.fetch(PAGE_OF_OPEN if only_open else PAGE, after, limit)]


async def find(connection: Connection, number: int) -> dict[str, Any] | None:
    """The entry with this number, including the content, or None."""
    failpoints.reached("quarantine.load")
    row = await connection.fetchrow(FIND, number)
    return None if row is None else dict(row)


async def lock(connection: Connection, number: int) -> dict[str, Any] | None:
    """Lock and return an entry, as `find`. Until the commit no other operator can act on the entry."""
    failpoints.reached("quarantine.lock")
    await connection.execute(LOCK, number)
    return await find(connection, number)


async def actions(connection: Connection, number: int) -> list[dict[str, Any]]:
    """The operator's actions on the entry, in order."""
    return [dict(row) for row in await connection.fetch(ACTIONS, number)]


async def record_action(
    connection: Connection, number: int, action: OperatorAction, operator: str, why: str, outcome: str, detail: str
) -> None:
    """Store an operator's action and its outcome."""
    failpoints.reached("quarantine.record-action")
    await connection.execute(
        RECORD_ACTION, number, action, operator, why, outcome, detail[:4_000].replace("\x00", "")
    )


def record_in(row: dict[str, Any]) -> ConsumerRecord:
    """The quarantined record as the consumer returned the record."""
    key, value = row["key"], row["value"]
    return ConsumerRecord(
        row["topic"],
        row["lane"],
        row["offset"],
        row["appended_at"],
        1,
        key,
        value,
        None,
        len(key or b""),
        len(value or b""),
        headers_in(row),
    )


def headers_in(row: dict[str, Any]) -> Headers | None:
    """The record's headers, or None when the headers could not be decoded."""
    if row["headers"] is None:
        return None
    return [(name, None if raw is None else raw.encode("latin-1")) for name, raw in orjson.loads(row["headers"])]
