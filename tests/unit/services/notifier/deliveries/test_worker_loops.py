"""The three loops of the delivery worker: none waits for another, and what they hold is bounded."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from samenspel.client.read.webhook_receiver import WebhookReceiver

from services.notifier.deliveries import attempts, queue, worker
from services.notifier.deliveries.attempts import AttemptResult
from services.notifier.deliveries.queue import Delivery, DeliveryLimits, QueueProgress, RunningAttempts
from services.notifier.domain.retry import ResponseClass
from services.notifier.endpoints.signing import new_secret
from tests.support.waiting import eventually
from tests.unit.services.notifier.deliveries.test_worker import Queue, delivery, made, working


def numbered(template: Delivery, number: int) -> Delivery:
    return replace(template, sequence=number, event_id=str(number), subject=str(number))


async def test_new_event_is_sent_while_earlier_results_are_being_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    secret, recording = new_secret(), asyncio.Event()
    async with WebhookReceiver() as receiver:
        receiver.secret = secret
        first = numbered(delivery(receiver.url, secret), 1)
        pending = Queue(monkeypatch, first)

        async def record(pool: object, results: Sequence[AttemptResult]) -> bool:
            if not recording.is_set():
                pending.jobs = [numbered(first, 2)]
                recording.set()
                await asyncio.Event().wait()
            return False

        monkeypatch.setattr(attempts, "record_attempts", record)
        async with working(pending):
            await asyncio.wait_for(recording.wait(), 20)
            await eventually(lambda: len(receiver.events) == 2)


async def test_results_that_cannot_be_recorded_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is claimed while as many results as concurrent attempts wait."""
    one = delivery("https://x", new_secret())
    pending, loops = Queue(monkeypatch, one), made()
    loops._results = [AttemptResult(one, ResponseClass(delivered=True), 0.1)] * DeliveryLimits().total
    assert await loops._claimed() == []
    del loops._results[0]
    assert await loops._claimed() == [one]
    assert pending.jobs == []


async def test_results_are_recorded_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "PAUSE_SECONDS", 0)
    async with WebhookReceiver() as receiver:
        receiver.secret = new_secret()
        pending, failures = Queue(monkeypatch, delivery(receiver.url, receiver.secret)), 0

        async def record(pool: object, results: Sequence[AttemptResult]) -> bool:
            nonlocal failures
            failures += 1
            if failures < 4:
                raise OSError("no database")
            pending.results += results
            return False

        monkeypatch.setattr(attempts, "record_attempts", record)
        async with working(pending):
            await eventually(lambda: pending.results)
        assert len(pending.results) == 1


async def test_cursor_that_another_instance_has_locked_is_looked_at_again_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "POLL_SECONDS", 600)
    pending, looks = Queue(monkeypatch), 0

    async def enqueue(pool: object, limit: int, full: object) -> QueueProgress:
        nonlocal looks
        looks += 1
        return QueueProgress(0, more=looks < 3)

    monkeypatch.setattr(queue, "enqueue_new", enqueue)
    async with working(pending):
        await eventually(lambda: looks == 3)


def test_limit_is_seen_per_subscription_per_organisation_and_in_total() -> None:
    one = delivery("https://x", new_secret())
    for limits in (
        DeliveryLimits(per_subscription=2),
        DeliveryLimits(per_organisation=2),
        DeliveryLimits(total=2),
    ):
        running = RunningAttempts()
        running.add(one, 1)
        assert not running.at_limit(limits)
        present = running.copy()
        present.add(one, 1)
        assert present.at_limit(limits)
        assert not running.at_limit(limits), "a copy"
