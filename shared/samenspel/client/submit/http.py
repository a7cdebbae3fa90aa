"""Submission over HTTP: posts batches of statements and returns the answers."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
import orjson
from pydantic import TypeAdapter, ValidationError

from samenspel.client.access.errors import EnvironmentUnavailable, RequestRefused
from samenspel.client.access.profile import Credential, System
from samenspel.client.submit.receipts import is_final
from samenspel.client.submit.statements import Statement, SubmitProgress, by_domain
from samenspel.contracts.integers import read_seconds
from samenspel.contracts.media_types import BATCH
from samenspel.contracts.receipts import Answer
from samenspel.contracts.topics import DOMAIN_OF, Domain

EVENTS_MAX: Final = 500
BATCH_BYTES_MAX: Final = 1_000_000
REQUEST_SECONDS_MAX: Final = 30
PAUSE_SECONDS: Final = 1.0
RETRY_SECONDS_MAX: Final = 15.0
"""Longest time to retry a request answered 429 or 503."""
RETRY_STATUSES: Final = (429, 503)
SERVICE_OF: Final = {domain: service for service, domain in DOMAIN_OF.items()}
_ANSWERS: Final = TypeAdapter(list[Answer])


class HttpSubmitter:
    """Submits as one organisation with its bearer token; an async context manager."""

    def __init__(self, system: System, credential: Credential) -> None:
        self._system = system
        self._credential = credential

    async def __aenter__(self) -> Self:
        headers = {"authorization": f"Bearer {self._credential.token}", "content-type": BATCH}
        timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS_MAX)
        self._session = aiohttp.ClientSession(headers=headers, timeout=timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._session.close()

    async def submit(
        self, statements: Sequence[Statement], within: float | None = None, progress: SubmitProgress = lambda _: None
    ) -> list[Answer | None]:
        """Return one answer per statement, in order. Deferred statements are posted again for ``within`` seconds.

        Raises EnvironmentUnavailable when a service does not answer, RequestRefused when the service refuses a batch.
        """
        answers = await self._post(statements, progress)
        if within is not None:
            await self._resend_deferred(statements, answers, within)
        return [answers.get(each.identity) for each in statements]

    async def _resend_deferred(
        self, statements: Sequence[Statement], answers: dict[Any, Answer], within: float
    ) -> None:
        """Post deferred statements again until all answers are final; a repeat returns the present outcome."""
        deadline = asyncio.get_running_loop().time() + within
        while asyncio.get_running_loop().time() < deadline:
            deferred = [each for each in statements if not is_final(answers[each.identity])]
            if not deferred:
                return
            await asyncio.sleep(PAUSE_SECONDS)
            answers.update(await self._post(deferred))

    async def _post(
        self, statements: Sequence[Statement], progress: SubmitProgress = lambda _: None
    ) -> dict[Any, Answer]:
        answers: dict[Any, Answer] = {}
        for domain, of_domain in by_domain(statements).items():
            for batch in batches(of_domain):
                for each, answer in zip(batch, await self._post_batch(domain, batch), strict=True):
                    answers[each.identity] = answer
                progress(len(batch))
        return answers

    async def _post_batch(self, domain: Domain, batch: Sequence[Statement]) -> list[Answer]:
        service = SERVICE_OF[domain]
        url = f"{self._system.url(service)}/v1/events"
        body = b"[" + b",".join(each.structured() for each in batch) + b"]"
        deadline = asyncio.get_running_loop().time() + RETRY_SECONDS_MAX
        while True:
            try:
                async with self._session.post(url, data=body) as response:
                    status, content = response.status, await response.read()
                    pause = pause_seconds(response.headers.get("Retry-After"))
            except (aiohttp.ClientError, TimeoutError):
                raise EnvironmentUnavailable(
                    f"the {service} at {url} does not answer: `samenspel status` shows the running services"
                ) from None
            if status == 200:
                return _answers_in(content, batch, service, url)
            if status == 401:
                raise EnvironmentUnavailable(
                    f"the {service} refuses the token of {self._credential.name}: "
                    "`samenspel organisation admit` issues a new token"
                )
            if status not in RETRY_STATUSES or asyncio.get_running_loop().time() + pause > deadline:
                raise RequestRefused(
                    f"the {service} refused {self._credential.name}: {refusal_text(status, content)}"
                )
            await asyncio.sleep(pause)


def pause_seconds(retry_after: str | None) -> float:
    """Seconds to wait before a repeat: ``Retry-After`` in seconds (RFC 9110 §10.2.3), or `PAUSE_SECONDS`."""
    try:
        return read_seconds(retry_after or "")
    except ValueError:
        return PAUSE_SECONDS


def _answers_in(content: bytes, batch: Sequence[Statement], service: str, url: str) -> list[Answer]:
    """The answers of a response, one per statement. Raises EnvironmentUnavailable for any other content."""
    with suppress(ValidationError):
        answers = _ANSWERS.validate_json(content, extra="ignore")
        if len(answers) == len(batch):
            return answers
    raise EnvironmentUnavailable(
        f"the server at {url} is no {service}: correct the address in system.json of your profile"
    )


def batches(statements: Sequence[Statement]) -> Iterator[list[Statement]]:
    """Split into the fewest batches within the limits of the HTTP API: 500 events, and a body under 1 MiB."""
    batch: list[Statement] = []
    size = 0
    for each in statements:
        length = len(each.data) + 2_000
        if batch and (len(batch) == EVENTS_MAX or size + length > BATCH_BYTES_MAX):
            yield batch
            batch, size = [], 0
        batch.append(each)
        size += length
    if batch:
        yield batch


def refusal_text(status: int, content: bytes) -> str:
    """Reason of a refused request for people: the details of problem+json (RFC 9457) and the HTTP status."""
    try:
        problem = orjson.loads(content)
        reasons = [str(each["detail"]) for each in problem.get("errors") or [problem]]
    except (orjson.JSONDecodeError, KeyError, AttributeError, TypeError):
        reasons = ["no reason given"]
    return f"{'; '.join(reasons)} (HTTP {status})"
