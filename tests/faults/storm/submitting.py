"""Submitting over both entry points without ever giving up, as an organisation's own system would."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import aiohttp
import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from samenspel.contracts.topics import DOMAIN_OF, Service, ingress

from tests.faults.storm.client_shutdown import let_go, within
from tests.faults.storm.harness import Stage
from tests.support.events import Event, binary
from tests.support.organisations import Organisation
from tests.support.submitting import BATCH

PAUSE_SECONDS = 0.2
KAFKA_SECONDS_MAX = 30.0
HTTP_SECONDS_MAX = 3.0
"""After this time another instance is tried: this instance may be stopped."""


class KafkaSubmitter:
    """An organisation's producer for a service. A chunk at a time: unacknowledged events are sent again."""

    def __init__(self, organisation: Organisation, service: Service) -> None:
        self._organisation = organisation
        self._topic = ingress(DOMAIN_OF[service], organisation.oin)
        self._producer: AIOKafkaProducer | None = None
        self._turn = asyncio.Lock()

    async def submit(self, events: Sequence[Event]) -> None:
        """Returns after Kafka's acknowledgement of all events, in this order."""
        async with self._turn:
            while True:
                try:
                    return await within(KAFKA_SECONDS_MAX, self._send(events))
                except (KafkaError, OSError, TimeoutError):
                    await self.close()
                    await asyncio.sleep(PAUSE_SECONDS)

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await let_go(producer)  # may hold undeliverable events; the next producer sends these again

    async def _send(self, events: Sequence[Event]) -> None:
        if self._producer is None:
            producer = AIOKafkaProducer(
                **self._organisation.kafka, acks="all", enable_idempotence=True, linger_ms=5, request_timeout_ms=5_000
            )
            try:
                await producer.start()
            except BaseException:
                await let_go(producer)
                raise
            self._producer = producer
        acknowledged = []
        for event in events:
            headers, value = binary(event)
            acknowledged.append(await self._producer.send(self._topic, value=value, headers=headers))
        await asyncio.gather(*acknowledged)


class HttpSubmitter:
    """An organisation's HTTP client for a service: uses an instance until a failure, then the next instance."""

    def __init__(self, organisation: Organisation, service: Service, stage: Stage) -> None:
        self._organisation = organisation
        self._urls = [each.url for each in stage.of(service)]
        self._at = stage.random.randrange(len(self._urls))
        self.answers: list[dict[str, Any]] = []
        """Answers over HTTP, for a comparison with the stored result."""

    async def submit(self, events: Sequence[Event]) -> None:
        """Returns after all answers."""
        while True:
            tried = self._at
            with suppress(aiohttp.ClientError, OSError, TimeoutError):
                answers = await self._post(tried, orjson.dumps(events))
                if answers is not None:
                    self.answers += answers
                    return
            if self._at == tried:  # else another task has turned to the next already
                self._at += 1
            await asyncio.sleep(PAUSE_SECONDS)

    async def _post(self, at: int, body: bytes) -> list[dict[str, Any]] | None:
        """The answers; None when the service could not decide."""
        token = self._organisation.credential.token
        headers = {"content-type": BATCH, "authorization": f"Bearer {token}"}
        url = f"{self._urls[at % len(self._urls)]}/v1/events"
        timeout = aiohttp.ClientTimeout(total=HTTP_SECONDS_MAX)
        async with (
            aiohttp.ClientSession(timeout=timeout) as http,
            http.post(url, data=body, headers=headers) as response,
        ):
            if response.status >= 500:
                return None
            assert response.status == 200, (response.status, await response.text())
            answers: list[dict[str, Any]] = orjson.loads(await response.read())
            return answers
