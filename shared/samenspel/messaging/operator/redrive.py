"""Redrive of quarantined records: the operator retries a record, or discards a record with a reason.

Each action is stored beside the record, in the same transaction as the effect. A record is resolved once.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import structlog

from samenspel.contracts.submissions import Submission
from samenspel.messaging.decisions.processor import SubmissionProcessor
from samenspel.messaging.errors import TRANSIENT
from samenspel.messaging.inbox import answers, quarantine
from samenspel.messaging.inbox.answers import Decision, Incoming
from samenspel.messaging.ingress.decoding import decode, unreadable_problem
from samenspel.runtime import failpoints
from samenspel.runtime.limits import LimitReached
from samenspel.runtime.postgres import Connection, Pool

log = structlog.get_logger()


class RecordNotFound(Exception):
    """The quarantine has no record with this number."""


class AlreadyResolved(Exception):
    """The record was processed or discarded before."""


class StillUnreadable(Exception):
    """The record still cannot be decoded."""


@dataclass(frozen=True, slots=True)
class Redrive:
    """``operator`` is the OIN of the acting operator, ``why`` the reason.

    Both methods raise `RecordNotFound` and `AlreadyResolved`.
    """

    pool: Pool
    processor: SubmissionProcessor

    async def retry(self, number: int, operator: str, why: str) -> str:
        """Decode and process the stored record as the Kafka receiver does, in a separate transaction.

        Returns the outcome: *repeated* if the submission was decided meanwhile, *failed* if processing fails again;
        the record then stays open. Raises a `TRANSIENT` error if nothing can be decided now.
        """
        try:
            async with self._locked(number) as (connection, row):
                [answer] = await self.processor.process(connection, [self._read(row)])
                detail = _summary(answer.decision)
                await quarantine.record_action(connection, number, "retry", operator, why, answer.outcome, detail)
                return answer.outcome
        except (RecordNotFound, AlreadyResolved, LimitReached, *TRANSIENT):
            raise
        except Exception as error:
            log.exception("processing a quarantined record fails again", number=number, exc_info=error)
            await self._record_failure(number, operator, why, error)
            return "failed"

    async def discard(self, number: int, operator: str, why: str) -> str:
        """Resolve the record without processing. The record is kept, with ``why`` beside it."""
        async with self._locked(number) as (connection, _):
            await quarantine.record_action(connection, number, "discard", operator, why, "discarded", why)
        return "discarded"

    async def _record_failure(self, number: int, operator: str, why: str, error: Exception) -> None:
        async with self._locked(number) as (connection, _):
            await quarantine.record_action(connection, number, "retry", operator, why, "failed", repr(error))

    @asynccontextmanager
    async def _locked(self, number: int) -> AsyncIterator[tuple[Connection, dict[str, Any]]]:
        failpoints.reached("redrive.begin")
        async with self.pool.acquire() as connection, connection.transaction():
            row = await quarantine.lock(connection, number)
            if row is None:
                raise RecordNotFound(f"the quarantine has no record {number}")
            if not row["open"]:
                raise AlreadyResolved(f"record {number} was resolved before")
            yield connection, row
            failpoints.reached("redrive.commit")

    def _read(self, row: dict[str, Any]) -> Incoming:
        record = quarantine.record_in(row)
        if record.headers is None:
            raise StillUnreadable(StillUnreadable.__doc__)
        incoming = decode(record, self.processor.decider.types)
        if problem := unreadable_problem(incoming):
            raise StillUnreadable(problem.detail)
        return incoming if row["hash"] is None else _as_received(incoming, row)


def _as_received(incoming: Incoming, row: dict[str, Any]) -> Incoming:
    """The submission with the original content hash, time of receipt and record position.

    A deferred submission was stored decoded; the row holds these three values.
    """
    if isinstance(incoming, Submission):
        return replace(incoming, hash=row["hash"], received_at=row["received_at"], record=row["record"])
    return replace(incoming, record=row["record"])


def _summary(decision: Decision) -> str:
    """The decision as a line of text for the operator."""
    _, details = answers.effect_of(decision)
    events = [f"{each['type']} at {each['lane']} {each['sequence']}" for each in details.get("events", ())]
    return "; ".join(events or [f"{each['code']}: {each['detail']}" for each in details.get("problems", ())])
