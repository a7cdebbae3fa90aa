"""The delivery worker: a loop that records results, queues new events and claims due deliveries.

Attempts run as separate tasks.

The limit on concurrent attempts applies per subscription, so that a slow receiver delays no other subscription.
"""

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime
from time import monotonic
from typing import Final

import aiohttp
import structlog
from joserfc.errors import JoseError
from samenspel.contracts.media_types import STRUCTURED
from samenspel.messaging import TRANSIENT
from samenspel.runtime import failpoints
from samenspel.runtime.metrics import WEBHOOK_ATTEMPTS
from samenspel.runtime.postgres import Pool
from samenspel.runtime.wakeup import Wakeup

from services.notifier.deliveries import attempts, queue
from services.notifier.deliveries.attempts import AttemptResult
from services.notifier.deliveries.queue import Delivery
from services.notifier.domain import retry
from services.notifier.domain.retry import ResponseClass
from services.notifier.endpoints import addresses, signing
from services.notifier.settings import Settings

log = structlog.get_logger()

POLL_SECONDS: Final = 0.5
"""Polling interval for work without a wakeup in this process: events of other instances, and due retries."""
PAUSE_SECONDS: Final = 0.2
CONNECT_SECONDS: Final = 5.0
RECORD_SECONDS: Final = 5.0
"""Duration of a claim beyond the timeout of an attempt, so that the result is recorded before the claim expires."""
FINISH_SECONDS: Final = 2.0


class DeliveryWorker:
    """Posts the events of push subscriptions. ``holder`` identifies this instance, also after a restart."""

    def __init__(self, pool: Pool, settings: Settings, wakeup: Wakeup, holder: str) -> None:
        self._pool = pool
        self._settings = settings
        self._wakeup = wakeup
        self._holder = holder
        self._local = settings.environment == "local"
        self._secret_box = signing.SecretBox(settings.webhook_key.get_secret_value())
        self._running: Counter[str] = Counter()
        self._attempts: set[asyncio.Task[None]] = set()
        self._results: list[AttemptResult] = []
        self._delivered_at: dict[str, float] = {}

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with _client(self._settings.attempt_seconds, local=self._local) as client:
            try:
                await self._release_own_claims()
                while True:
                    await self._run_until_error(client)
                    await asyncio.sleep(PAUSE_SECONDS)
            finally:
                await self._finish()

    async def _release_own_claims(self) -> None:
        while True:
            try:
                return await queue.release(self._pool, self._holder)
            except TRANSIENT as error:
                log.warning("cannot release own claims; retrying", error=repr(error))
                await asyncio.sleep(PAUSE_SECONDS)

    async def _run_until_error(self, client: aiohttp.ClientSession) -> None:
        """Deliver until an error occurs, usually an unreachable database."""
        try:
            while True:
                ticket = self._wakeup.next_ticket
                if not await self._run_once(client):
                    await ticket.wait(POLL_SECONDS)
        except TRANSIENT as error:
            log.warning("deliveries interrupted; retrying", error=repr(error))
        except Exception as error:
            log.exception("deliveries interrupted; retrying", exc_info=error)

    async def _run_once(self, client: aiohttp.ClientSession) -> bool:
        """Record, queue and claim. Returns whether there was any work."""
        recorded = len(self._results)
        if recorded:
            await attempts.record_attempts(self._pool, self._results[:recorded])
            del self._results[:recorded]
        opened = await queue.enqueue_new(self._pool)
        claim_seconds = self._settings.attempt_seconds + RECORD_SECONDS
        deliveries = await queue.claim(
            self._pool, +self._running, self._settings.attempts_at_once, claim_seconds, self._holder
        )
        for delivery in deliveries:
            self._running[delivery.subscription_id] += 1
            attempt = asyncio.create_task(self._attempt(client, delivery))
            self._attempts.add(attempt)
            attempt.add_done_callback(self._attempts.discard)
        return bool(recorded or opened or deliveries)

    async def _finish(self) -> None:
        """Wait `FINISH_SECONDS` for running attempts, record the results, and release the other claims."""
        if self._attempts:
            await asyncio.wait(self._attempts, timeout=FINISH_SECONDS)
        for attempt in self._attempts:
            attempt.cancel()
        try:
            await attempts.record_attempts(self._pool, self._results)
            await queue.release(self._pool, self._holder)
        except TRANSIENT as error:
            log.warning("cannot record the last attempts; those events are sent again", error=repr(error))

    async def _attempt(self, client: aiohttp.ClientSession, delivery: Delivery) -> None:
        started = monotonic()
        status, response_class = await self._post(client, delivery)
        self._running[delivery.subscription_id] -= 1
        WEBHOOK_ATTEMPTS.labels(
            "delivered" if response_class.delivered else "unavailable" if response_class.unavailable else "failed"
        ).inc()
        if response_class.delivered:
            self._delivered_at[delivery.subscription_id] = monotonic()
        self._results.append(self._result(delivery, status, response_class, started))
        self._wakeup.notify()

    async def _post(self, client: aiohttp.ClientSession, delivery: Delivery) -> tuple[int | None, ResponseClass]:
        try:
            url = addresses.parse(delivery.url, local=self._local)
            secrets = [self._secret_box.decrypt(encrypted) for encrypted in delivery.encrypted_secrets]
            headers = signing.headers(secrets, delivery.event_id, datetime.now(UTC), delivery.body)
            failpoints.reached("delivery.post")
            async with client.post(url, data=delivery.body, headers=headers, allow_redirects=False) as response:
                # Only status and Retry-After are used. The body is neither read nor stored.
                return response.status, retry.classify_response(response.status, response.headers.get("Retry-After"))
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError, JoseError) as error:
            # Only the type of the error: the text may contain data of the receiver or the network.
            return None, ResponseClass(delivered=False, error=type(error).__name__, unavailable=True)

    def _result(
        self, delivery: Delivery, status: int | None, response_class: ResponseClass, started: float
    ) -> AttemptResult:
        seconds = monotonic() - started
        if response_class.delivered:
            return AttemptResult(delivery, response_class, seconds, status)
        # A receiver that accepted another event in the meantime is reachable: the failure concerns this event only.
        unreachable = response_class.unavailable and self._delivered_at.get(delivery.subscription_id, 0) < started
        settings = self._settings
        schedule = settings.pause_seconds if response_class.unavailable else settings.retry_after_seconds
        retry_seconds = response_class.retry_after or retry.retry_delay(
            schedule, delivery.attempts + 1, random.random()
        )
        pause = response_class.retry_after or retry.retry_delay(
            settings.pause_seconds, delivery.rounds + 1, random.random()
        )
        return AttemptResult(delivery, response_class, seconds, status, retry_seconds, pause if unreachable else None)


def _client(seconds: float, *, local: bool) -> aiohttp.ClientSession:
    """HTTP client that connects only to allowed addresses, follows no redirects and ignores proxy settings."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, resolver=addresses.GuardedResolver(local=local)),
        timeout=aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS),
        headers={"Content-Type": f"{STRUCTURED}; charset=utf-8", "User-Agent": "samenspel-notifier"},
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
    )
