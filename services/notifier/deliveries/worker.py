"""The delivery worker: three loops that queue new events, claim due deliveries, and record results.

A new event waits for no attempt and for no recording. Attempts run as separate tasks.

The limits on concurrent attempts apply per subscription and per organisation: a slow receiver delays no other
subscription, and an organisation with many subscriptions delays no other organisation.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from typing import Final

import aiohttp
import structlog
from samenspel.messaging import TRANSIENT
from samenspel.runtime import failpoints
from samenspel.runtime.metrics import WEBHOOK_ATTEMPTS
from samenspel.runtime.postgres import Pool
from samenspel.runtime.wakeup import Wakeup

from services.notifier.deliveries import attempts, queue
from services.notifier.deliveries.attempts import AttemptResult
from services.notifier.deliveries.queue import Delivery, DeliveryLimits, FullSubscriptions, RunningAttempts
from services.notifier.domain import retry
from services.notifier.domain.retry import ResponseClass
from services.notifier.endpoints import addresses, signing
from services.notifier.endpoints.http_client import create_client
from services.notifier.settings import Settings

log = structlog.get_logger()

POLL_SECONDS: Final = 0.5
"""Polling interval for work without a wakeup in this process: events of other instances, and due retries."""
PAUSE_SECONDS: Final = 0.2
LOCKED_SECONDS: Final = 0.02
"""Pause before another look at cursors that another instance has locked."""
GATHER_SECONDS: Final = 0.005
"""Results of this time are recorded together. No delivery waits, except the next event of the same subject."""
RECORD_SECONDS: Final = 5.0
"""Duration of a claim beyond the timeout of an attempt, so that the result is recorded before the claim expires."""
FINISH_SECONDS: Final = 2.0
OWN_FAULT_SECONDS: Final = 60.0
"""Delay of an event that the notifier could not send."""


class DeliveryWorker:
    """Posts the events of push subscriptions. ``holder`` identifies this instance, also after a restart."""

    def __init__(self, pool: Pool, settings: Settings, wakeup: Wakeup, holder: str) -> None:
        self._pool = pool
        self._settings = settings
        self._wakeup = wakeup
        self._due, self._ended = Wakeup(), Wakeup()
        self._limited = False
        """Whether the last claim reached a limit: each attempt that ends then makes room for a delivery."""
        self._cursors = asyncio.Lock()
        """Held by the transactions that lock cursors, so that none skips a cursor that the other has locked."""
        self._holder = holder
        self._local = settings.environment == "local"
        self._secret_box = signing.SecretBox(settings.webhook_key.get_secret_value())
        self._limits = DeliveryLimits(
            settings.attempts_at_once,
            settings.limit_deliveries,
            settings.deliveries_at_once,
            settings.limit_pending_deliveries,
        )
        self.running = RunningAttempts()
        self._full = FullSubscriptions()
        self._attempts: set[asyncio.Task[None]] = set()
        self._results: list[AttemptResult] = []
        self._delivered_at: dict[str, float] = {}

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with create_client(self._settings.attempt_seconds, local=self._local) as client:
            try:
                await self._release_own_claims()
                await asyncio.gather(
                    self._repeated(self._enqueue),
                    self._repeated(partial(self._claim, client)),
                    self._repeated(self._record),
                )
            finally:
                await self._finish()

    async def _release_own_claims(self) -> None:
        while True:
            try:
                return await queue.release(self._pool, self._holder)
            except TRANSIENT as error:
                log.warning("cannot release own claims; retrying", error=error)
                await asyncio.sleep(PAUSE_SECONDS)

    async def _repeated(self, step: Callable[[], Awaitable[None]]) -> None:
        """Repeat a step, also after an error: usually an unreachable database."""
        while True:
            try:
                await step()
            except TRANSIENT as error:
                log.warning("deliveries interrupted; retrying", error=error)
                await asyncio.sleep(PAUSE_SECONDS)
            except Exception as error:
                log.exception("deliveries interrupted; retrying", exc_info=error)
                await asyncio.sleep(PAUSE_SECONDS)

    async def _enqueue(self) -> None:
        """Queue new events of the feed, and wake the claims. Waits if no cursor lags."""
        ticket = self._wakeup.next_ticket
        async with self._cursors:
            found = await queue.enqueue_new(self._pool, self._limits.pending, self._full)
        self._due.notify()
        if not found.cursors or not found.more:
            await ticket.wait(LOCKED_SECONDS if found.more else POLL_SECONDS)

    async def _claim(self, client: aiohttp.ClientSession) -> None:
        """Claim due deliveries and start their attempts. Waits if nothing is due or nothing may be started."""
        ticket, present = self._due.next_ticket, self.running.copy()
        for delivery in await self._claimed():
            present.add(delivery, 1)
            self.running.add(delivery, 1)
            attempt = asyncio.create_task(self._attempt(client, delivery))
            self._attempts.add(attempt)
            attempt.add_done_callback(self._attempts.discard)
        self._limited = present.at_limit(self._limits)
        await ticket.wait(POLL_SECONDS)

    async def _claimed(self) -> list[Delivery]:
        """Nothing while as many results as concurrent attempts wait to be recorded: the results are bounded."""
        if len(self._results) >= self._limits.total:
            return []
        claim_seconds = self._settings.attempt_seconds + RECORD_SECONDS
        return await queue.claim(self._pool, self.running, self._limits, claim_seconds, self._holder)

    async def _record(self) -> None:
        """Record the results so far. Waits if there are none."""
        ticket = self._ended.next_ticket
        if not self._results:
            await ticket.wait(POLL_SECONDS)
            await asyncio.sleep(GATHER_SECONDS)
        recorded = len(self._results)
        if not recorded:
            return
        async with self._cursors:
            is_due = await attempts.record_attempts(self._pool, self._results[:recorded])
        del self._results[:recorded]
        if is_due or recorded >= self._limits.total:
            self._due.notify()

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
            log.warning("cannot record the last attempts; those events are sent again", error=error)

    async def _attempt(self, client: aiohttp.ClientSession, delivery: Delivery) -> None:
        started = monotonic()
        status, response_class = await self._post(client, delivery)
        self.running.add(delivery, -1)
        WEBHOOK_ATTEMPTS.labels(_outcome(response_class)).inc()
        if response_class.delivered:
            self._delivered_at[delivery.subscription_id] = monotonic()
        self._results.append(self._result(delivery, status, response_class, started))
        self._ended.notify()
        if self._limited:
            self._due.notify()

    async def _post(self, client: aiohttp.ClientSession, delivery: Delivery) -> tuple[int | None, ResponseClass]:
        """Status and meaning of one attempt. A fault of the notifier is never the receiver's."""
        try:
            headers = self._signed_headers(delivery)
            return await self._send(client, delivery, headers)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            # Only the type of the error: the text may contain data of the receiver or the network.
            return None, ResponseClass(delivered=False, error=type(error).__name__, unavailable=True)
        except Exception as error:
            log.exception("webhook not sent: own fault", subscription_id=delivery.subscription_id, exc_info=error)
            return None, retry.OWN_FAULT

    def _signed_headers(self, delivery: Delivery) -> dict[str, str]:
        signers = [self._secret_box.signer(encrypted) for encrypted in delivery.encrypted_secrets]
        return signing.signed_headers(signers, delivery.event_id, datetime.now(UTC), delivery.body)

    async def _send(
        self, client: aiohttp.ClientSession, delivery: Delivery, headers: dict[str, str]
    ) -> tuple[int, ResponseClass]:
        url = addresses.parse(delivery.url, local=self._local)
        failpoints.reached("delivery.post")
        async with client.post(url, data=delivery.body, headers=headers, allow_redirects=False) as response:
            # Only status and Retry-After are used. The body is neither read nor stored.
            retry_after = response.headers.get("Retry-After")
            return response.status, retry.classify_response(response.status, retry_after, datetime.now(UTC))

    def _result(
        self, delivery: Delivery, status: int | None, response_class: ResponseClass, started: float
    ) -> AttemptResult:
        seconds = monotonic() - started
        if response_class.delivered:
            return AttemptResult(delivery, response_class, seconds, status)
        if response_class.own_fault:
            return AttemptResult(delivery, response_class, seconds, status, OWN_FAULT_SECONDS)
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


def _outcome(response_class: ResponseClass) -> str:
    """The outcome of an attempt in the metrics."""
    if response_class.delivered:
        return "delivered"
    if response_class.own_fault:
        return "own-fault"
    return "unavailable" if response_class.unavailable else "failed"
