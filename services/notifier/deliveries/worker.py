"""The sender: one loop that closes what was told, opens what is new and claims what is due; attempts run beside it.

Every subscription has places of its own for attempts that run at once, so a slow receiver fills only its own.
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
from samenspel.contracts.cloudevents import STRUCTURED
from samenspel.messaging import TRANSIENT
from samenspel.runtime import failpoints
from samenspel.runtime.metrics import ATTEMPTS
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
"""How soon is seen what no bell here tells: what other instances applied, and what has become due."""
PAUSE_SECONDS: Final = 0.2
CONNECT_SECONDS: Final = 5.0
RECORD_SECONDS: Final = 5.0
"""What a claim lasts longer than an attempt, so that its outcome is written before another instance tries."""
FINISH_SECONDS: Final = 2.0


class DeliveryWorker:
    """Tells push subscriptions what the feed has for them. ``holder`` names this instance, after a restart too."""

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
        """Until cancelled."""
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
                log.warning("own deliveries not taken back; tried again", error=repr(error))
                await asyncio.sleep(PAUSE_SECONDS)

    async def _run_until_error(self, client: aiohttp.ClientSession) -> None:
        """Until something goes wrong: mostly that the database is away."""
        try:
            while True:
                ticket = self._wakeup.next_ticket
                if not await self._run_once(client):
                    await ticket.wait(POLL_SECONDS)
        except TRANSIENT as error:
            log.warning("deliveries interrupted; tried again", error=repr(error))
        except Exception as error:
            log.exception("deliveries interrupted; tried again", exc_info=error)

    async def _run_once(self, client: aiohttp.ClientSession) -> bool:
        """Close, open, claim; whether there was anything to do."""
        recorded = len(self._results)
        if recorded:
            await attempts.record_attempts(self._pool, self._results[:recorded])
            del self._results[:recorded]
        opened = await queue.enqueue_new(self._pool)
        claim_seconds = self._settings.attempt_seconds + RECORD_SECONDS
        deliveries = await queue.claim(
            self._pool, +self._running, self._settings.attempts_at_once, claim_seconds, self._holder
        )
        for job in deliveries:
            self._running[job.subscription_id] += 1
            attempt = asyncio.create_task(self._attempt(client, job))
            self._attempts.add(attempt)
            attempt.add_done_callback(self._attempts.discard)
        return bool(recorded or opened or deliveries)

    async def _finish(self) -> None:
        """Wait a moment for what is under way, write down what came of it, and leave the rest to others at once."""
        if self._attempts:
            await asyncio.wait(self._attempts, timeout=FINISH_SECONDS)
        for attempt in self._attempts:
            attempt.cancel()
        try:
            await attempts.record_attempts(self._pool, self._results)
            await queue.release(self._pool, self._holder)
        except TRANSIENT as error:
            log.warning("attempts not written down; they are made again", error=repr(error))

    async def _attempt(self, client: aiohttp.ClientSession, job: Delivery) -> None:
        started = monotonic()
        status, verdict = await self._post(client, job)
        self._running[job.subscription_id] -= 1
        ATTEMPTS.labels(
            "delivered" if verdict.delivered else "unavailable" if verdict.unavailable else "failed"
        ).inc()
        if verdict.delivered:
            self._delivered_at[job.subscription_id] = monotonic()
        self._results.append(self._result(job, status, verdict, started))
        self._wakeup.notify()

    async def _post(self, client: aiohttp.ClientSession, job: Delivery) -> tuple[int | None, ResponseClass]:
        try:
            url = addresses.parse(job.url, local=self._local)
            secrets = [self._secret_box.decrypt(sealed) for sealed in job.encrypted_secrets]
            headers = signing.headers(secrets, job.event_id, datetime.now(UTC), job.body)
            failpoints.reached("sender.tell")
            async with client.post(url, data=job.body, headers=headers, allow_redirects=False) as response:
                # Only the status counts: what else it says is not read, and never kept.
                return response.status, retry.classify_response(response.status, response.headers.get("Retry-After"))
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError, JoseError) as error:
            # The kind of error only: its text may hold what the receiver, or the network behind it, has said.
            return None, ResponseClass(delivered=False, error=type(error).__name__, unavailable=True)

    def _result(self, job: Delivery, status: int | None, verdict: ResponseClass, started: float) -> AttemptResult:
        seconds = monotonic() - started
        if verdict.delivered:
            return AttemptResult(job, verdict, seconds, status)
        # Who took another event meanwhile is there: then it is this event that fails.
        away = verdict.unavailable and self._delivered_at.get(job.subscription_id, 0) < started
        settings = self._settings
        schedule = settings.pause_seconds if verdict.unavailable else settings.retry_after_seconds
        wait = verdict.retry_after or retry.retry_delay(schedule, job.attempts + 1, random.random())
        pause = verdict.retry_after or retry.retry_delay(settings.pause_seconds, job.rounds + 1, random.random())
        return AttemptResult(job, verdict, seconds, status, wait, pause if away else None)


def _client(seconds: float, *, local: bool) -> aiohttp.ClientSession:
    """Connects only to checked addresses, follows nothing, and takes no proxy from its surroundings."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, resolver=addresses.GuardedResolver(local=local)),
        timeout=aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS),
        headers={"Content-Type": f"{STRUCTURED}; charset=utf-8", "User-Agent": "samenspel-notifier"},
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
    )
