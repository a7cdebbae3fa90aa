"""Webhook receivers with behaviour defined by the test."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

Event = dict[str, Any]
Answer = Callable[[Event, int], Awaitable[int]]
"""The status of the answer to an event, given the number of arrivals; may be slow."""


@dataclass(slots=True)
class Told:
    """The deliveries to a receiver, in order of arrival, with the status of each answer."""

    url: str = ""
    answers: list[tuple[Event, int]] = field(default_factory=list)

    def taken(self, subject: str) -> list[int]:
        """The sequences of a subject's events with a 2xx answer, in order of arrival."""
        return [
            int(event["sequence"]) for event, status in self.answers if event["subject"] == subject and status < 300
        ]

    def times(self, subject: str) -> int:
        return sum(event["subject"] == subject for event, _ in self.answers)


@asynccontextmanager
async def receiving(answer: Answer) -> AsyncIterator[Told]:
    """A receiver on loopback without signature checks: the client verifies signatures."""
    told, times = Told(), Counter[str]()

    async def receive(request: web.Request) -> web.Response:
        event = orjson.loads(await request.read())
        times[event["id"]] += 1
        status = await answer(event, times[event["id"]])
        told.answers.append((event, status))
        return web.Response(status=status)

    app = web.Application()
    app.router.add_post("/", receive)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    told.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        yield told
    finally:
        await runner.cleanup()


async def takes(event: Event, times: int) -> int:
    """Takes everything."""
    return 204


async def hangs(event: Event, times: int) -> int:
    """Never answers."""
    await asyncio.Event().wait()
    return 204
