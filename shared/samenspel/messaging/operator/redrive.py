"""What the operator does about what was set apart: have it decided after all, or discard it for a reason.

Each is written down beside the record in the transaction in which it happens. A record is settled once.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import structlog

from samenspel.contracts.submissions import Submission
from samenspel.messaging.decisions.processor import SubmissionProcessor
from samenspel.messaging.errors import TRANSIENT
from samenspel.messaging.inbox import quarantine
from samenspel.messaging.inbox.answers import Incoming, RenderedAnswer
from samenspel.messaging.ingress.decoding import decode, unreadable_problem
from samenspel.runtime import failpoints
from samenspel.runtime.postgres import Connection, Pool

log = structlog.get_logger()


class RecordNotFound(Exception):
    """There is no such record in quarantine."""


class AlreadyResolved(Exception):
    """The record was settled before, or there is nothing in it to decide."""


class StillUnreadable(Exception):
    """The record can still not be read."""


@dataclass(frozen=True, slots=True)
class Redrive:
    """``operator`` is the OIN of whoever acts, ``why`` their reason. Both raise `Unknown` and `Settled`."""

    pool: Pool
    processor: SubmissionProcessor

    async def retry(self, number: int, operator: str, why: str) -> str:
        """Read and decide the stored record as the ingress does, in a transaction of its own; returns the outcome.

        A submission that was decided meanwhile is answered *repeated*. What still breaks is *failed*, and stays open.
        Raises one of `PASSING` when nothing can be decided now.
        """
        try:
            async with self._locked(number) as (connection, row):
                [answered] = await self.processor.process(connection, [self._read(row)])
                await quarantine.record_action(
                    connection, number, "retry", operator, why, answered.outcome, _said(answered)
                )
                return answered.outcome
        except (RecordNotFound, AlreadyResolved, *TRANSIENT):
            raise
        except Exception as error:
            log.exception("a record in quarantine breaks the deciding still", number=number, exc_info=error)
            await self._note_failure(number, operator, why, error)
            return "failed"

    async def discard(self, number: int, operator: str, why: str) -> str:
        """Settle the record without deciding it; it stays where it is, with ``why`` beside it."""
        async with self._locked(number) as (connection, _):
            await quarantine.record_action(connection, number, "discard", operator, why, "discarded", why)
        return "discarded"

    async def _note_failure(self, number: int, operator: str, why: str, error: Exception) -> None:
        async with self._locked(number) as (connection, _):
            await quarantine.record_action(connection, number, "retry", operator, why, "failed", repr(error))

    @asynccontextmanager
    async def _locked(self, number: int) -> AsyncIterator[tuple[Connection, dict[str, Any]]]:
        failpoints.reached("redrive.begin")
        async with self.pool.acquire() as connection, connection.transaction():
            row = await quarantine.lock(connection, number)
            if row is None:
                raise RecordNotFound(f"there is no record {number} in quarantine")
            if not row["open"]:
                raise AlreadyResolved(f"record {number} was settled before")
            yield connection, row
            failpoints.reached("redrive.commit")

    def _read(self, row: dict[str, Any]) -> Incoming:
        record = quarantine.record_in(row)
        if record.headers is None:
            raise StillUnreadable(StillUnreadable.__doc__)
        incoming = decode(record, self.processor.decider.types)
        if problem := unreadable_problem(incoming):
            raise StillUnreadable(problem.detail)
        return incoming if row["hash"] is None else _as_it_came(incoming, row)


def _as_it_came(incoming: Incoming, row: dict[str, Any]) -> Incoming:
    """What waited was kept as it was understood: beside it stand its content's hash, and where and when it came."""
    if isinstance(incoming, Submission):
        return replace(incoming, hash=row["hash"], received_at=row["received_at"], record=row["record"])
    return replace(incoming, record=row["record"])


def _said(answered: RenderedAnswer) -> str:
    """What came of it, in a line for the operator."""
    body = answered.body
    events = [f"{each['type']} at {each['lane']} {each['sequence']}" for each in body.get("events", ())]
    return "; ".join(events or [f"{each['code']}: {each['detail']}" for each in body.get("problems", ())])
