"""The retention worker: removes old receipts from the journal, and the details of old answers.

Every statement reads and removes a bounded number of rows and commits alone. A worker that dies continues with the
rows that are left. Several workers remove each row once.
"""

import asyncio
from datetime import timedelta
from typing import Final

import structlog

from samenspel.contracts.topics import LaneId
from samenspel.messaging.errors import TRANSIENT
from samenspel.messaging.inbox.answer_retention import FIRST_PLACE, old_answers, remove_details
from samenspel.messaging.inbox.answer_retention import ROWS_MAX as ANSWERS_MAX
from samenspel.messaging.outbox import receipt_retention
from samenspel.messaging.outbox.receipt_retention import LANES_PER_PAGE, ROWS_MAX, remove_receipts
from samenspel.runtime import failpoints
from samenspel.runtime.metrics import RETENTION_BYTES, RETENTION_OVERDUE, RETENTION_ROWS
from samenspel.runtime.postgres import Pool

log = structlog.get_logger()

POLL_SECONDS_MAX: Final = 600.0
POLLS_PER_RETENTION: Final = 100
"""A short retention, as in a test, is polled more often."""
PAUSE_SECONDS: Final = 0.2
"""Between two statements, so that decisions come first."""
RETRY_SECONDS: Final = 5.0
"""After an error, such as a full disk: nothing here is urgent."""
RECEIPTS, ANSWERS = "receipts", "answers"

# Instances of the version before cannot read an answer without details, and may run beside this version for a day.
MAY_BEGIN: Final = """
select from migration where (package, name) = ('samenspel.messaging', '0013_retention.sql')
  and applied_at < statement_timestamp() - interval '1 day'
"""


class RetentionWorker:
    """``retention`` is the time that receipts stay in the journal, and problem texts in answers."""

    def __init__(self, pool: Pool, retention: timedelta) -> None:
        self._pool = pool
        self._retention = retention
        self._poll_seconds = min(POLL_SECONDS_MAX, retention.total_seconds() / POLLS_PER_RETENTION)

    async def run(self) -> None:
        """Remove what is old, at start and every ten minutes, until cancelled."""
        while True:
            try:
                await self.poll()
                await asyncio.sleep(max(PAUSE_SECONDS, self._poll_seconds))
            except TRANSIENT as error:
                log.warning("retention interrupted", error=repr(error))
                await asyncio.sleep(min(RETRY_SECONDS, max(PAUSE_SECONDS, self._poll_seconds)))

    async def poll(self) -> None:
        """Remove everything that is old now. Raises a `TRANSIENT` error; each statement before the error stays."""
        if not await self._may_begin():
            return
        await self._remove_receipts()
        await self._remove_details()

    async def _may_begin(self) -> bool:
        async with self._pool.acquire() as connection:
            failpoints.reached("retention.begin")
            return await connection.fetchrow(MAY_BEGIN) is not None

    async def _remove_receipts(self) -> None:
        after: LaneId = "", 0
        oldest: list[tuple[LaneId, float]] = []
        while True:
            async with self._pool.acquire() as connection:
                page = await receipt_retention.ages(connection, after)
            oldest += [(lane, age) for lane, age in page if age is not None]
            if len(page) < LANES_PER_PAGE:
                break
            after = page[-1][0]
        self._show_overdue(RECEIPTS, max((age for _, age in oldest), default=0))
        for lane, age in oldest:
            if age > self._retention.total_seconds():
                await self._remove_receipts_of(lane)
        self._show_overdue(RECEIPTS, 0)

    async def _remove_receipts_of(self, lane: LaneId) -> None:
        rows = ROWS_MAX
        while rows >= ROWS_MAX:
            async with self._pool.acquire() as connection:
                rows, size = await remove_receipts(connection, lane, self._retention)
            _count(RECEIPTS, rows, size)
            await asyncio.sleep(PAUSE_SECONDS if rows else 0)

    async def _remove_details(self) -> None:
        place, length = FIRST_PLACE, ANSWERS_MAX
        while length == ANSWERS_MAX:
            async with self._pool.acquire() as connection:
                page = await old_answers(connection, place, self._retention)
                freed = await remove_details(connection, page)
            if place == FIRST_PLACE:
                self._show_overdue(ANSWERS, page[0].age if page else 0)
            _count(ANSWERS, len(freed), sum(freed))
            length = len(page)
            if page:
                place = page[-1].place
                await asyncio.sleep(PAUSE_SECONDS)
        self._show_overdue(ANSWERS, 0)

    def _show_overdue(self, kind: str, age: float) -> None:
        RETENTION_OVERDUE.labels(kind).set(max(0.0, age - self._retention.total_seconds()))


def _count(kind: str, rows: int, size: int) -> None:
    RETENTION_ROWS.labels(kind).inc(rows)
    RETENTION_BYTES.labels(kind).inc(size)
