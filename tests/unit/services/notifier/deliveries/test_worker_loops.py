"""The three loops of the delivery worker: none waits for another, and what they hold is bounded."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from samenspel.client.read.webhook_receiver import WebhookReceiver

from services.notifier.deliveries import attempts, queue, worker
from services.notifier.deliveries.attempts import AttemptResult
from services.notifier.deliveries.queue import Delivery, DeliveryLimits, Enqueued, RunningAttempts
from services.notifier.endpoints.signing import new_secret
from tests.support.waiting import eventually
from tests.unit.services.notifier.deliveries.test_worker import Queue, delivery, working


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
    """Nothing is claimed while as many results as concurrent attempts wait; later all is recorded and sent."""
    secret, is_broken, failures = new_secret(), True, []
    monkeypatch.setattr(worker, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(worker, "POLL_SECONDS", 0.01)
    async with WebhookReceiver() as receiver:
        receiver.secret = secret
        template = delivery(receiver.url, secret)
        pending = Queue(monkeypatch)
        numbers = iter(range(1, 10_000))
        claims = 0

        async def claim(
            pool: object, running: RunningAttempts, limits: DeliveryLimits, seconds: float, holder: str
        ) -> list[Delivery]:
            nonlocal claims
            claims += 1
            return [numbered(template, next(numbers)) for _ in range(100)] if claims <= 20 else []

        async def record(pool: object, results: Sequence[AttemptResult]) -> bool:
            if is_broken:
                failures.append(len(results))
                raise OSError("no database")
            pending.results += results
            return False

        monkeypatch.setattr(queue, "claim", claim)
        monkeypatch.setattr(attempts, "record_attempts", record)
        async with working(pending):
            await eventually(lambda: failures and failures[-1] >= 512)
            held = len(failures) + 20
            await eventually(lambda: len(failures) >= held)
            assert failures[-1] < 2_000, "all twenty claims, if the results had no bound"
            is_broken = False
            await eventually(lambda: len(pending.results) == 2_000)


async def test_cursor_that_another_instance_has_locked_is_looked_at_again_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "POLL_SECONDS", 600)
    pending, looks = Queue(monkeypatch), 0

    async def enqueue(pool: object, limit: int, full: object) -> Enqueued:
        nonlocal looks
        looks += 1
        return Enqueued(0, more=looks < 3)

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
