"""What the operator does about what was set apart: have it decided after all, or discard it for a reason.

Each is written down beside the record in the transaction in which it happens. A record is settled once.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import structlog

from samenspel.contracts.submissions import Submission
from samenspel.messaging.decisions.processor import Desk
from samenspel.messaging.errors import PASSING
from samenspel.messaging.inbox import quarantine
from samenspel.messaging.inbox.answers import Answered, Inbound
from samenspel.messaging.ingress.decoding import read_record, unreadable_in
from samenspel.runtime import failpoints
from samenspel.runtime.postgres import Connection, Pool

log = structlog.get_logger()


class Unknown(Exception):
    """There is no such record in quarantine."""


class Settled(Exception):
    """The record was settled before, or there is nothing in it to decide."""


class Unreadable(Exception):
    """The record can still not be read."""


@dataclass(frozen=True, slots=True)
class Redrive:
    """``operator`` is the OIN of whoever acts, ``why`` their reason. Both raise `Unknown` and `Settled`."""

    pool: Pool
    desk: Desk

    async def retry(self, number: int, operator: str, why: str) -> str:
        """Read and decide the stored record as the ingress does, in a transaction of its own; returns the outcome.

        A submission that was decided meanwhile is answered *repeated*. What still breaks is *failed*, and stays open.
        Raises one of `PASSING` when nothing can be decided now.
        """
        try:
            async with self._holding(number) as (connection, row):
                [answered] = await self.desk.settle(connection, [self._read(row)])
                await quarantine.act(connection, number, "retry", operator, why, answered.outcome, _said(answered))
                return answered.outcome
        except (Unknown, Settled, *PASSING):
            raise
        except Exception as error:
            log.exception("a record in quarantine breaks the deciding still", number=number, exc_info=error)
            await self._note_failure(number, operator, why, error)
            return "failed"

    async def discard(self, number: int, operator: str, why: str) -> str:
        """Settle the record without deciding it; it stays where it is, with ``why`` beside it."""
        async with self._holding(number) as (connection, _):
            await quarantine.act(connection, number, "discard", operator, why, "discarded", why)
        return "discarded"

    async def _note_failure(self, number: int, operator: str, why: str, error: Exception) -> None:
        async with self._holding(number) as (connection, _):
            await quarantine.act(connection, number, "retry", operator, why, "failed", repr(error))

    @asynccontextmanager
    async def _holding(self, number: int) -> AsyncIterator[tuple[Connection, dict[str, Any]]]:
        failpoints.reached("redrive.begin")
        async with self.pool.acquire() as connection, connection.transaction():
            row = await quarantine.hold(connection, number)
            if row is None:
                raise Unknown(f"there is no record {number} in quarantine")
            if not row["open"]:
                raise Settled(f"record {number} was settled before")
            yield connection, row
            failpoints.reached("redrive.commit")

    def _read(self, row: dict[str, Any]) -> Inbound:
        record = quarantine.record_in(row)
        if record.headers is None:
            raise Unreadable(Unreadable.__doc__)
        inbound = read_record(record, self.desk.handlers.types)
        if problem := unreadable_in(inbound):
            raise Unreadable(problem.detail)
        return inbound if row["hash"] is None else _as_it_came(inbound, row)


def _as_it_came(inbound: Inbound, row: dict[str, Any]) -> Inbound:
    """What waited was kept as it was understood: beside it stand its content's hash, and where and when it came."""
    if isinstance(inbound, Submission):
        return replace(inbound, hash=row["hash"], received_at=row["received_at"], record=row["record"])
    return replace(inbound, record=row["record"])


def _said(answered: Answered) -> str:
    """What came of it, in a line for the operator."""
    body = answered.body
    events = [f"{each['type']} at {each['lane']} {each['sequence']}" for each in body.get("events", ())]
    return "; ".join(events or [f"{each['code']}: {each['detail']}" for each in body.get("problems", ())])
