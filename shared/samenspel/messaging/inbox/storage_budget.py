"""Storage budget of an organisation: bytes that the service keeps for quarantined records and refused submissions.

The use decreases evenly over a day (a leaky bucket), so that nobody waits for midnight. Each transaction that stores
such bytes charges the budget. After the commit the instance looks up the use: an organisation above the limit must
wait. The lookup costs accepted submissions nothing, and other instances learn by their own next refusal.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from time import monotonic
from typing import Final

import structlog

from samenspel.contracts.topics import organisation_of
from samenspel.messaging.errors import TRANSIENT
from samenspel.messaging.inbox.answers import RenderedAnswer
from samenspel.messaging.inbox.quarantine import QuarantinedRecord
from samenspel.runtime import failpoints
from samenspel.runtime.bulk_parameters import as_arrays
from samenspel.runtime.limits import STORED_BYTES, LimitReached
from samenspel.runtime.postgres import Connection, Pool

log = structlog.get_logger()

DAY_SECONDS: Final = 86_400
CHARGE: Final = """
insert into storage_use as u (organisation, bytes) select * from unnest($1::text[], $2::float8[])
on conflict (organisation) do update set updated_at = clock_timestamp(), bytes = excluded.bytes
  + greatest(0, u.bytes - $3 * extract(epoch from clock_timestamp() - u.updated_at)::float8)
"""
OVERRUN: Final = """
select organisation,
       bytes / $2::float8 - extract(epoch from clock_timestamp() - updated_at)::float8 - $3::float8 as seconds
from storage_use where organisation = any($1::text[])
"""
USE: Final = """
select organisation, bytes - $1::float8 * extract(epoch from clock_timestamp() - updated_at)::float8 as bytes
from storage_use where bytes > $1::float8 * extract(epoch from clock_timestamp() - updated_at)::float8
"""


class StorageBudget:
    """``bytes_per_day`` is the limit of each organisation in the database of this service."""

    def __init__(self, bytes_per_day: int = STORED_BYTES.default) -> None:
        self._bytes_per_day = bytes_per_day
        self._per_second = bytes_per_day / DAY_SECONDS
        self._again_at: dict[str, float] = {}

    async def charge(
        self, connection: Connection, answered: Iterable[RenderedAnswer], quarantined: Iterable[QuarantinedRecord]
    ) -> None:
        """Add the bytes of refusals and quarantined records. Requires the lane locks of these organisations."""
        used = stored_bytes(answered, quarantined)
        if used:
            failpoints.reached("storage-budget.charge")
            await connection.execute(CHARGE, *as_arrays(sorted(used.items()), 2), self._per_second)

    async def look_up(self, pool: Pool, organisations: Collection[str]) -> None:
        """Find out which of these organisations are above the limit, and for how long. Called after a commit."""
        if not organisations:
            return
        try:
            rows = await pool.fetch(OVERRUN, sorted(organisations), self._per_second, DAY_SECONDS)
        except TRANSIENT as error:
            # The commit stands. The next refusal looks up again.
            log.warning("storage budget not looked up", error=repr(error))
            return
        for row in rows:
            self._again_at.pop(row["organisation"], None)
            if row["seconds"] > 0:
                self._again_at[row["organisation"]] = monotonic() + row["seconds"]

    def seconds_left(self, organisation: str) -> float:
        """Seconds until the organisation is below the limit again; 0 if it is below."""
        left = self._again_at.get(organisation, 0) - monotonic()
        if left <= 0:
            self._again_at.pop(organisation, None)
        return max(0.0, left)

    def require(self, organisation: str) -> None:
        """Raises `LimitReached` for an organisation above the limit."""
        if (left := self.seconds_left(organisation)) > 0:
            raise LimitReached(STORED_BYTES, organisation, self._bytes_per_day, left)

    async def use(self, connection: Connection) -> dict[str, float]:
        """Present use in bytes, by organisation."""
        return {row["organisation"]: row["bytes"] for row in await connection.fetch(USE, self._per_second)}


def stored_bytes(
    answered: Iterable[RenderedAnswer], quarantined: Iterable[QuarantinedRecord] = ()
) -> Mapping[str, int]:
    """Bytes by organisation. A refusal is stored twice: as a receipt in the journal, and as the first answer.

    The repeat of a refusal is stored once: its receipt has the same problems again.
    """
    found: Counter[str] = Counter()
    for answer in answered:
        if answer.is_refusal:
            found[answer.organisation] += len(answer.json) * (1 if answer.outcome == "repeated" else 2)
    for record in quarantined:
        found[organisation_of(record.topic)] += record.stored_bytes
    return found
