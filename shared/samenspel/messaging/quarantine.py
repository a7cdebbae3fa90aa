"""Quarantine: records that cannot be read or decided at all, kept with their raw bytes and a reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from samenspel.messaging.lanes import columns
from samenspel.runtime.postgres import Connection


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One record set apart. ``headers`` is None when they could not be decoded; ``appended_at`` in ms since 1970."""

    topic: str
    lane: int
    offset: int
    appended_at: int
    reason: str
    detail: str
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes | None]] | None = None
    value: bytes | None = None

    @property
    def header_bytes(self) -> bytes | None:
        if self.headers is None:
            return None
        return orjson.dumps([[name, raw and raw.decode("latin-1")] for name, raw in self.headers])


SET_APART = """
insert into quarantine (topic, lane, "offset", appended_at, reason, detail, key, headers, value)
select * from unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[], $5::text[], $6::text[],
                     $7::bytea[], $8::bytea[], $9::bytea[])
on conflict do nothing
"""

COUNT = "select reason, count(*) as number from quarantine group by reason"


async def set_apart(connection: Connection, records: Sequence[Quarantined]) -> None:
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
        )
        for record in records
    ]
    if rows:
        await connection.execute(SET_APART, *columns(rows, 9))


async def count(connection: Connection) -> dict[str, int]:
    """How many lie there, by reason."""
    return {row["reason"]: row["number"] for row in await connection.fetch(COUNT)}
