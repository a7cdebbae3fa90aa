"""Processing of submissions over HTTP: requests that wait for a transaction are decided together in the next one."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from time import monotonic
from typing import Final

from samenspel.contracts.topics import receipts
from samenspel.messaging.decisions.processor import SubmissionProcessor
from samenspel.messaging.errors import TRANSIENT, Fenced, LaneNotFound, LaneNotReconciled, MessagingError
from samenspel.messaging.inbox.answers import Incoming, RenderedAnswer
from samenspel.messaging.ingress.submission_groups import GroupFailed, SubmissionGroups
from samenspel.messaging.kafka.log_reader import LogReader
from samenspel.messaging.outbox import journal
from samenspel.messaging.outbox.journal import JournalBatch
from samenspel.messaging.outbox.recent_rows import RecentRows
from samenspel.messaging.outbox.reconciler import Reconciler
from samenspel.runtime import failpoints
from samenspel.runtime.concurrency_limit import ConcurrencyLimit
from samenspel.runtime.database_health import StorageFull
from samenspel.runtime.limits import HTTP_SUBMISSIONS
from samenspel.runtime.metrics import DECIDE_SECONDS
from samenspel.runtime.postgres import Pool

SUBMIT_SECONDS_MAX: Final = 5.0
RETRY_SECONDS: Final = 0.02
REFUSE_SECONDS: Final = 1.0
APART_SECONDS: Final = 10.0
"""Time for which an organisation is decided alone after one of its requests failed: it fails no further groups."""
TURN_SECONDS_MAX: Final = 10.0
"""Longest wait of a request for a turn."""


class NotAdmitted(Exception):
    """The organisation has no receipts topic: the organisation is not admitted."""


class Submitter:
    """Submits for HTTP endpoints. ``on_commit`` is called after each commit and wakes the relay.

    A request holds one of the ``turns`` of its organisation while its events are decoded and decided. Committed
    journal rows are added to ``recent``, for the relay.
    """

    def __init__(
        self,
        processor: SubmissionProcessor,
        pool: Pool,
        log_reader: LogReader,
        reconciler: Reconciler,
        storage: StorageFull,
        on_commit: Callable[[int], None],
        turns: int = HTTP_SUBMISSIONS.default,
        recent: RecentRows | None = None,
    ) -> None:
        self.processor = processor
        self.turns = ConcurrencyLimit(HTTP_SUBMISSIONS, turns, TURN_SECONDS_MAX)
        self._pool = pool
        self._log_reader = log_reader
        self._reconciler = reconciler
        self._storage = storage
        self._on_commit = on_commit
        self._recent = recent or RecentRows()
        self._receipts_ready: set[str] = set()
        self._groups = SubmissionGroups(self._commit)
        self._apart_until: dict[str, float] = {}

    async def submit(self, organisation: str, incoming: Sequence[Incoming], size: int = 0) -> list[RenderedAnswer]:
        """Decide the submissions of one request, ``size`` bytes, in one transaction, perhaps with other requests.

        A transaction begins within 5 seconds and takes at most 5 seconds. Raises `NotAdmitted`, `LimitReached`, or a
        `TRANSIENT` error if PostgreSQL or Kafka is unreachable. In all cases nothing was stored.
        """
        await self.require_storage(organisation)
        await self.ensure_receipts(organisation)
        try:
            answered = await self._decide(organisation, incoming, size)
        except TRANSIENT as error:
            self._storage.record_error(error)
            raise
        if any(each.is_refusal for each in answered):
            await self.processor.storage.look_up(self._pool, {organisation})
        return answered

    async def _decide(self, organisation: str, incoming: Sequence[Incoming], size: int) -> list[RenderedAnswer]:
        """Decide in a group, or alone after a failed group; alone again after a lost race, until the deadline."""
        deadline = monotonic() + SUBMIT_SECONDS_MAX
        is_alone = self._is_apart(organisation)
        while True:
            try:
                if not is_alone:
                    return await self._groups.decide(organisation, incoming, size, deadline - monotonic())
                async with asyncio.timeout(deadline - monotonic()):
                    return await self._commit(incoming)
            except GroupFailed:
                is_alone = True
            except (Fenced, LaneNotReconciled, LaneNotFound):
                if self._reconciler.closed_lanes:
                    raise
                is_alone = True
                await asyncio.sleep(RETRY_SECONDS)
            except Exception as error:
                if isinstance(error, MessagingError) or not isinstance(error, TRANSIENT):
                    self._apart_until[organisation] = monotonic() + APART_SECONDS
                raise

    def _is_apart(self, organisation: str) -> bool:
        """Whether requests of this organisation are decided alone, because one of them failed a moment ago."""
        if self._apart_until.get(organisation, 0.0) > monotonic():
            return True
        self._apart_until.pop(organisation, None)
        return False

    async def require_storage(self, organisation: str) -> None:
        """Raises `LimitReached` for an organisation above its storage budget, after `REFUSE_SECONDS`.

        The wait slows down a client that ignores ``Retry-After``.
        """
        if self.processor.storage.seconds_left(organisation) > 0:
            await asyncio.sleep(REFUSE_SECONDS)
        self.processor.storage.require(organisation)

    async def _commit(self, incoming: Sequence[Incoming]) -> list[RenderedAnswer]:
        failpoints.reached("http.begin")
        written: list[JournalBatch] = []
        with DECIDE_SECONDS.time():
            async with self._pool.acquire() as connection, connection.transaction():
                answered = await self.processor.process(connection, incoming, written=written)
                failpoints.reached("http.commit")
        self._recent.add(written)
        self._on_commit(len(answered))
        return answered

    async def stop(self) -> None:
        """End the transaction in progress."""
        await self._groups.stop()

    async def ensure_receipts(self, organisation: str) -> None:
        """Create the lane row of the organisation's receipts. Raises `NotAdmitted` if Kafka has no such topic."""
        if organisation not in self._receipts_ready and await self.ensure_all_receipts([organisation]):
            raise NotAdmitted(NotAdmitted.__doc__)

    async def ensure_all_receipts(self, organisations: Collection[str]) -> set[str]:
        """Create the lane rows of the receipts of organisations, with one request to Kafka and one statement.

        Returns the organisations without a receipts topic: these are not admitted.
        """
        topics = {receipts(self.processor.decider.domain, each): each for each in organisations}
        unknown = {topic: each for topic, each in topics.items() if each not in self._receipts_ready}
        if not unknown:
            return set()
        existing = await self._log_reader.existing(unknown)
        if existing:
            async with self._pool.acquire() as connection:
                await journal.ensure(connection, [(topic, 0) for topic in existing])
            self._receipts_ready |= {unknown[topic] for topic in existing}
            self._on_commit(0)
        return {each for topic, each in unknown.items() if topic not in existing}

    def forget_lanes(self) -> None:
        """Check the receipts lanes again at next use: the database may have been restored."""
        self._receipts_ready.clear()
