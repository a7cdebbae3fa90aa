"""The HTTP door's way to the desk: decide some submissions now, in one transaction."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from aiokafka import TopicPartition

from samenspel.contracts.topics import receipts
from samenspel.messaging.decisions.processor import SubmissionProcessor
from samenspel.messaging.errors import TRANSIENT, Fenced, LaneNotFound, LaneNotReconciled
from samenspel.messaging.inbox.answers import Incoming, RenderedAnswer
from samenspel.messaging.kafka.log_reader import LogReader
from samenspel.messaging.outbox import journal
from samenspel.messaging.outbox.reconciler import Reconciler
from samenspel.runtime import failpoints
from samenspel.runtime.concurrency_limit import ConcurrencyLimit
from samenspel.runtime.database_health import StorageFull
from samenspel.runtime.postgres import Pool

SUBMIT_SECONDS_MAX: Final = 5.0
SUBMISSIONS_AT_ONCE: Final = 4
"""Of one organisation over HTTP, per instance: half of the database connections there are by default."""


class NotAdmitted(Exception):
    """The organisation has no receipts topic: it has not been admitted."""


class Submitter:
    """``on_commit`` is called after each commit, to wake the relay."""

    def __init__(
        self,
        processor: SubmissionProcessor,
        pool: Pool,
        log_reader: LogReader,
        reconciler: Reconciler,
        storage: StorageFull,
        on_commit: Callable[[int], None],
    ) -> None:
        self.processor = processor
        self.limit = ConcurrencyLimit(SUBMISSIONS_AT_ONCE)
        self._pool = pool
        self._log_reader = log_reader
        self._reconciler = reconciler
        self._storage = storage
        self._on_commit = on_commit
        self._receipts_ready: set[str] = set()

    async def submit(self, organisation: str, incoming: Sequence[Incoming]) -> list[RenderedAnswer]:
        """The HTTP door: decide these now, in one transaction.

        Raises `NotAdmitted`, or one of `PASSING` when the surroundings are away: nothing was stored then.
        """
        await self.ensure_receipts(organisation)
        async with asyncio.timeout(SUBMIT_SECONDS_MAX):
            while True:
                try:
                    failpoints.reached("http.begin")
                    async with self._pool.acquire() as connection, connection.transaction():
                        answered = await self.processor.process(connection, incoming)
                        failpoints.reached("http.commit")
                    break
                except (Fenced, LaneNotReconciled, LaneNotFound):
                    if self._reconciler.closed_lanes:
                        raise
                    await asyncio.sleep(0.02)
                except TRANSIENT as error:
                    self._storage.record_error(error)
                    raise
        self._on_commit(len(answered))
        return answered

    async def ensure_receipts(self, organisation: str) -> None:
        if organisation in self._receipts_ready:
            return
        topic = receipts(self.processor.decider.domain, organisation)
        try:
            await self._log_reader.bounds(TopicPartition(topic, 0))
        except LookupError:
            raise NotAdmitted(NotAdmitted.__doc__) from None
        async with self._pool.acquire() as connection:
            await journal.ensure(connection, [(topic, 0)])
        self._receipts_ready.add(organisation)
        self._on_commit(0)

    def forget_lanes(self) -> None:
        """The database may be another one: whether it has an organisation's lane of receipts is asked again."""
        self._receipts_ready.clear()
