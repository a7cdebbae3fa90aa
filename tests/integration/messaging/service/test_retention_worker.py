"""The retention worker: begins a day after its migration, ends at once, and may run several times."""

import asyncio
from datetime import timedelta

from prometheus_client import REGISTRY
from samenspel.messaging.service.retention_worker import RetentionWorker

from tests.support.retention import LONG_MIGRATED, RETENTION, publish_all, retain, sequences, settle_days_ago
from tests.support.service_schema import Room, registered
from tests.support.waiting import eventually

JUST_MIGRATED = "update migration set applied_at = now() where name = '0013_retention.sql'"


def counted(name: str, kind: str) -> float:
    return REGISTRY.get_sample_value(f"samenspel_retention_{name}", {"kind": kind}) or 0


async def old_history(room: Room, number: int = 3) -> None:
    await settle_days_ago(room, 91, *(registered() for _ in range(number)))
    await publish_all(room)


async def test_worker_waits_a_day_for_instances_of_the_version_before(registry: Room) -> None:
    await old_history(registry)
    await registry.pool.execute(JUST_MIGRATED)
    await RetentionWorker(registry.pool, RETENTION).poll()
    assert await sequences(registry) == [1, 2, 3]
    await registry.pool.execute(LONG_MIGRATED)
    await RetentionWorker(registry.pool, RETENTION).poll()
    assert await sequences(registry) == []


async def test_several_workers_remove_each_row_once(registry: Room) -> None:
    await old_history(registry, 20)
    before = counted("rows_total", "receipts"), counted("rows_total", "answers")
    await asyncio.gather(*(retain(registry.pool) for _ in range(4)))
    assert await sequences(registry) == []
    after = counted("rows_total", "receipts"), counted("rows_total", "answers")
    assert (after[0] - before[0], after[1] - before[1]) == (20, 20)
    assert counted("bytes_total", "receipts") > 0 and counted("bytes_total", "answers") > 0
    assert counted("overdue_seconds", "receipts") == counted("overdue_seconds", "answers") == 0


async def test_running_worker_removes_what_gets_old_and_stops_at_once(registry: Room) -> None:
    await registry.pool.execute(LONG_MIGRATED)
    running = asyncio.create_task(RetentionWorker(registry.pool, timedelta(seconds=1)).run())
    try:
        await old_history(registry)

        async def is_empty() -> bool:
            return await sequences(registry) == []

        await eventually(is_empty, 20, "a journal without receipts")
    finally:
        running.cancel()
    async with asyncio.timeout(1):
        await asyncio.gather(running, return_exceptions=True)
