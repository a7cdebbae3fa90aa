"""Two registries on the same cores: the cost of sharing, and the time spent waiting for locks."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import asyncpg
from samenspel.contracts.topics import INITIATIVES, LANES_LOCAL

from tests.bench.harness import POLL_SECONDS, Stand, fill, rate
from tests.bench.measures import SECONDS_MAX, Figure, compared

WAITING = """
select count(*) filter (where wait_event_type = 'Lock') as waiting, count(*) as open
from pg_stat_activity where datname = current_database() and xact_start is not null and pid <> pg_backend_pid()
"""


@dataclass(slots=True)
class LockShare:
    """Number of open transactions seen, and number of transactions waiting for a lock."""

    seen: int = 0
    waiting: int = 0

    @property
    def percent(self) -> float:
        return 100 * self.waiting / self.seen if self.seen else 0.0


def sharing(stand: Stand, count: int, rounds: int) -> list[Figure]:
    """Events per second of a single and of two instances, in turn, after the first fifth; medians."""
    measured: dict[int, list[float]] = {1: [], 2: []}
    locks = LockShare()
    for run in range(rounds):
        for instances, rates in measured.items():
            asyncio.run(fill(stand, "initiatives", count, 200 + 10 * run + instances, count // 5))
            with _registries(stand, instances):
                watched = locks if instances == 2 else LockShare()
                rates.append(asyncio.run(_measured(stand, count, watched)))
    return [
        compared("two instances against one", "events/s", measured[2], measured[1], least=0.95),
        Figure("two instances: transactions that wait for a lock", locks.percent, "%"),
    ]


@contextmanager
def _registries(stand: Stand, instances: int) -> Iterator[None]:
    with ExitStack() as running:
        running.enter_context(stand.process("registry", "services.registry"))
        for _ in range(instances - 1):
            running.enter_context(stand.process("registry", "services.registry", port=free_port()))
        yield


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


async def _measured(stand: Stand, count: int, locks: LockShare) -> float:
    watching = asyncio.create_task(_watch(stand, locks))
    try:
        return await rate(stand, "registry", INITIATIVES, range(LANES_LOCAL), count, SECONDS_MAX, warm=count // 5)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _watch(stand: Stand, locks: LockShare) -> None:
    connection = await asyncpg.connect(stand.system.databases.dsn_with_password("registry"))
    try:
        while True:
            row = await connection.fetchrow(WAITING)
            assert row is not None
            locks.seen += row["open"]
            locks.waiting += row["waiting"]
            await asyncio.sleep(POLL_SECONDS)
    finally:
        await connection.close()
