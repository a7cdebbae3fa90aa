"""The parts of a service restart after any error, and end on request."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from samenspel.messaging.ingress.submitter import NotAdmitted
from samenspel.messaging.service import runtime


@pytest.mark.parametrize("stopped_by", [ValueError, TimeoutError, asyncio.CancelledError])
async def test_failed_task_is_restarted(stopped_by: type[BaseException], monkeypatch: pytest.MonkeyPatch) -> None:
    """A leaked cancellation (aiokafka's own fetch, from ``stop``) is an interruption, too."""
    monkeypatch.setattr(runtime, "RESTART_SECONDS", 0)
    begun = []

    async def run() -> None:
        begun.append(True)
        if len(begun) == 1:
            raise stopped_by

    await runtime._supervised("part", run)
    assert len(begun) == 2


async def test_cancelled_task_is_not_restarted() -> None:
    begun = asyncio.Event()

    async def run() -> None:
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(runtime._supervised("part", run))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_organisation_without_a_receipts_topic_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    admitted, stranger = (TopicPartition(f"samenspel.in.initiatives.{oin}", 0) for oin in ("1", "2"))
    asked: list[list[str]] = []

    class Parts:
        """The submitter, the pool and the log reader."""

        async def ensure_all_receipts(self, organisations: Collection[str]) -> set[str]:
            asked.append(sorted(organisations))
            return {"2"}

        @asynccontextmanager
        async def acquire(self) -> AsyncIterator[None]:
            yield

    async def resume_offsets(connection: object, log_reader: object, topics: Collection[str]) -> dict[str, int]:
        return dict.fromkeys(topics, 7)

    monkeypatch.setattr(runtime, "resume_offsets", resume_offsets)
    service: Any = SimpleNamespace(submitter=Parts(), _pool=Parts(), log_reader=None)
    found = await runtime.ServiceRuntime._resolve_offsets(service, [admitted, stranger])
    assert found[admitted] == 7
    assert isinstance(found[stranger], NotAdmitted)
    assert asked == [["1", "2"]], "one request for all"
