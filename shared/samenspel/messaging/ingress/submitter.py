"""The HTTP door's way to the desk: decide some submissions now, in one transaction."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from aiokafka import TopicPartition

from samenspel.contracts.topics import receipts
from samenspel.messaging.decisions.processor import Desk
from samenspel.messaging.errors import PASSING, DoorsClosed, FenceLost, LaneMissing
from samenspel.messaging.inbox.answers import Answered, Inbound
from samenspel.messaging.kafka.log_reader import Probe
from samenspel.messaging.outbox import journal
from samenspel.messaging.outbox.reconciler import Gate
from samenspel.runtime import failpoints
from samenspel.runtime.concurrency_limit import Turns
from samenspel.runtime.database_health import Room
from samenspel.runtime.postgres import Pool

DOOR_SECONDS_MAX: Final = 5.0
SUBMISSIONS_AT_ONCE: Final = 4
"""Of one organisation over HTTP, per instance: half of the database connections there are by default."""


class NotAdmitted(Exception):
    """The organisation has no receipts topic: it has not been admitted."""


class Submitter:
    """``on_commit`` is called after each commit, to wake the relay."""

    def __init__(
        self, desk: Desk, pool: Pool, probe: Probe, gate: Gate, room: Room, on_commit: Callable[[int], None]
    ) -> None:
        self.desk = desk
        self.turns = Turns(SUBMISSIONS_AT_ONCE)
        self._pool = pool
        self._probe = probe
        self._gate = gate
        self._room = room
        self._on_commit = on_commit
        self._receipts_ready: set[str] = set()

    async def submit(self, organisation: str, inbound: Sequence[Inbound]) -> list[Answered]:
        """The HTTP door: decide these now, in one transaction.

        Raises `NotAdmitted`, or one of `PASSING` when the surroundings are away: nothing was stored then.
        """
        await self.ensure_receipts(organisation)
        async with asyncio.timeout(DOOR_SECONDS_MAX):
            while True:
                try:
                    failpoints.reached("http.begin")
                    async with self._pool.acquire() as connection, connection.transaction():
                        answered = await self.desk.settle(connection, inbound)
                        failpoints.reached("http.commit")
                    break
                except (FenceLost, DoorsClosed, LaneMissing):
                    if self._gate.closed:
                        raise
                    await asyncio.sleep(0.02)
                except PASSING as error:
                    self._room.note(error)
                    raise
        self._on_commit(len(answered))
        return answered

    async def ensure_receipts(self, organisation: str) -> None:
        if organisation in self._receipts_ready:
            return
        topic = receipts(self.desk.handlers.domain, organisation)
        try:
            await self._probe.bounds(TopicPartition(topic, 0))
        except LookupError:
            raise NotAdmitted(NotAdmitted.__doc__) from None
        async with self._pool.acquire() as connection:
            await journal.ensure(connection, [(topic, 0)])
        self._receipts_ready.add(organisation)
        self._on_commit(0)

    def forget_lanes(self) -> None:
        """The database may be another one: whether it has an organisation's lane of receipts is asked again."""
        self._receipts_ready.clear()
