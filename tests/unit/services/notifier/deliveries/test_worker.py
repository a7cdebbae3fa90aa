"""The delivery worker: signed requests, results recorded, own deliveries taken back at start and stop."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from samenspel.client.read.webhook_receiver import WebhookReceiver
from samenspel.runtime.wakeup import Wakeup

from services.notifier.deliveries import attempts, queue
from services.notifier.deliveries.attempts import AttemptResult
from services.notifier.deliveries.queue import Delivery, QueueProgress
from services.notifier.deliveries.worker import DeliveryWorker
from services.notifier.endpoints.signing import SecretBox, new_secret
from services.notifier.settings import Settings
from tests.support.waiting import eventually

BODY = b'{"specversion":"1.0","id":"event","type":"nl.samenspel.grant-awarded.v1","data":{}}'
KEY = "a webhook key of the tests"
NOBODY = "http://127.0.0.1:1/"
CITY = "00000099000000000344"


def delivery(url: str, secret: str, subscription: str = "one") -> Delivery:
    sealed = SecretBox(KEY).encrypt(secret)
    return Delivery(subscription, "samenspel.funding", 0, 1, 1, "x", 0, CITY, 0, url, [sealed], "event", BODY)


class Queue:
    """Has these deliveries to claim, and keeps the results."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *jobs: Delivery) -> None:
        self.jobs = list(jobs)
        self.results: list[AttemptResult] = []
        self.released: list[str] = []
        for name in ("release", "enqueue_new", "claim"):
            monkeypatch.setattr(queue, name, getattr(self, name))
        monkeypatch.setattr(attempts, "record_attempts", self.record_attempts)

    async def release(self, pool: object, holder: str) -> None:
        self.released.append(holder)

    async def enqueue_new(self, pool: object, pending: int, full: object) -> QueueProgress:
        return QueueProgress(0, more=False)

    async def claim(self, pool: object, running: Any, limits: Any, seconds: float, holder: str) -> list[Delivery]:
        jobs, self.jobs = self.jobs, []
        return jobs

    async def record_attempts(self, pool: object, outcomes: Sequence[AttemptResult]) -> bool:
        self.results += outcomes
        return False


def made() -> DeliveryWorker:
    values: dict[str, Any] = {
        **dict.fromkeys(("kafka_bootstrap", "kafka_username", "kafka_password"), "x"),
        **dict.fromkeys(("postgres_password", "jwks", "token_issuer"), "x"),
        "postgres_dsn": "postgresql://x",
        "webhook_key": KEY,
    }
    settings = Settings(
        **values, http_port=1, environment="local", kafka_security_protocol="SASL_PLAINTEXT", attempt_seconds=5
    )
    return DeliveryWorker(None, settings, Wakeup(), "me")  # type: ignore[arg-type]  # `Queue` needs no pool


@asynccontextmanager
async def working(pending: Queue) -> AsyncIterator[None]:
    task = asyncio.create_task(made().run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_delivery_is_signed_and_recorded_as_delivered(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = new_secret()
    async with WebhookReceiver() as receiver:
        receiver.secret = secret
        pending = Queue(monkeypatch, delivery(receiver.url, secret))
        async with working(pending):
            await eventually(lambda: pending.results)
        assert len(receiver.events) == 1
    [result] = pending.results
    assert (result.status, result.response_class.delivered) == (204, True)
    assert pending.released == ["me", "me"], "at start and at stop"


async def test_delivery_that_the_receiver_refuses_waits_for_its_next_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    async with WebhookReceiver() as receiver:
        receiver.secret = new_secret()
        pending = Queue(monkeypatch, delivery(receiver.url, new_secret()))
        async with working(pending):
            await eventually(lambda: pending.results)
    [result] = pending.results
    assert not result.response_class.delivered
    assert result.status is not None
    assert result.retry_seconds > 0
    assert result.pause_seconds is None


async def test_receiver_that_cannot_be_reached_pauses_its_subscription(monkeypatch: pytest.MonkeyPatch) -> None:
    pending = Queue(monkeypatch, delivery(NOBODY, new_secret()))
    async with working(pending):
        await eventually(lambda: pending.results)
    [result] = pending.results
    assert result.status is None
    assert result.response_class.unavailable
    assert result.pause_seconds is not None
    assert "127.0.0.1" not in str(result.response_class.error), "the kind of error only"


@pytest.mark.parametrize("secret", ["whsec_" + "A" * 33, "not base64"])
async def test_delivery_that_cannot_be_signed_is_the_notifiers_own_fault(
    secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with WebhookReceiver() as receiver:
        pending = Queue(monkeypatch, delivery(receiver.url, secret))
        async with working(pending):
            await eventually(lambda: pending.results)
    [result] = pending.results
    assert result.response_class.own_fault
    assert (result.status, result.pause_seconds) == (None, None)
    assert result.retry_seconds > 0


async def test_secret_under_another_key_is_the_notifiers_own_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = replace(delivery(NOBODY, ""), encrypted_secrets=[SecretBox("another key").encrypt(new_secret())])
    pending = Queue(monkeypatch, sealed)
    async with working(pending):
        await eventually(lambda: pending.results)
    assert pending.results[0].response_class.own_fault


async def test_address_that_is_not_allowed_is_never_called(monkeypatch: pytest.MonkeyPatch) -> None:
    pending = Queue(monkeypatch, delivery("https://10.0.0.1/", new_secret()))
    async with working(pending):
        await eventually(lambda: pending.results)
    assert pending.results[0].response_class.error == "AddressRefused"
