"""The floor of HTTP: an app that only writes the same rows, in one transaction per request.

FastAPI and uvicorn as the documentation shows them: no token is checked, nothing is validated or decided. The rows
are those of the registry (journal, aggregate, submission, lane, receipts), written with the same statements. The
relay of `tests.bench.floor` carries them to Kafka. The floor runs on funding's database, topics and rights.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
import uvicorn
from fastapi import FastAPI, Request, Response
from samenspel.contracts.topics import FUNDING, lane_of, receipts
from samenspel.messaging.decisions.aggregates import SAVE
from samenspel.messaging.inbox.answer_store import INSERT_NEW
from samenspel.messaging.outbox import journal
from samenspel.messaging.outbox.journal import LOCK, Lane, drain
from samenspel.messaging.outbox.reconciliation import MARK_RECONCILED
from samenspel.runtime.bulk_parameters import as_arrays, as_joined_texts
from samenspel.runtime.migrations import migrate
from samenspel.runtime.postgres import Connection, Pool, create_pool
from samenspel.runtime.settings import ServiceSettings

from tests.bench.floor import HEADERS, _relay

ANSWER = b'{"outcome":"accepted","padding":"' + b"x" * 445 + b'"}'


def app_for(settings: ServiceSettings, organisations: Sequence[str]) -> FastAPI:
    wake = asyncio.Event()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.pool = await _opened(settings, organisations)
        relay = asyncio.create_task(_relay(app.state.pool, settings, wake))
        yield
        relay.cancel()

    app = FastAPI(lifespan=lifespan)

    @app.get("/readyz")
    async def readyz() -> Response:
        return Response()

    @app.post("/v1/events")
    async def post_events(request: Request) -> Response:
        given = orjson.loads(await request.body())
        events = given if isinstance(given, list) else [given]
        async with app.state.pool.acquire() as connection, connection.transaction():
            await write(connection, settings.lanes, events)
        wake.set()
        answers = b",".join([ANSWER] * len(events))
        return Response(b"[%b]" % answers if events is given else answers, media_type="application/json")

    return app


async def _opened(settings: ServiceSettings, organisations: Sequence[str]) -> Pool:
    password = settings.postgres_password.get_secret_value()
    await migrate(settings.postgres_dsn, password, ["samenspel.messaging"])
    pool = await create_pool(settings.postgres_dsn, password, "floor", settings.postgres_connections)
    names = [(FUNDING, lane) for lane in range(settings.lanes)] + [(receipts("funding", o), 0) for o in organisations]
    async with pool.acquire() as connection:
        await journal.ensure(connection, names)
        incarnation = await connection.fetchval("select incarnation()")
        for name in names:
            await connection.execute(MARK_RECONCILED, *name, incarnation, 1)
    return pool


async def write(connection: Connection, lane_count: int, events: Sequence[Any]) -> None:
    """The rows of these events, all of one organisation."""
    organisation = events[0]["source"].split(":")[3]
    answering = receipts("funding", organisation), 0
    keys = [each["data"]["initiative_id"] for each in events]
    values = [orjson.dumps(each["data"]) for each in events]
    placed = [(FUNDING, lane_of(key, lane_count)) for key in keys]
    names = sorted({*placed, answering})
    standing = {(row[0], row[1]): row[3] for row in await connection.fetch(LOCK, *as_arrays(names, 2))}
    rows: dict[tuple[str, int], list[tuple[str, bytes, bytes]]] = {name: [] for name in names}
    states = {}
    for name, key, value in zip(placed, keys, values, strict=True):
        rows[name].append((key, HEADERS, value))
        states[key] = (key, name[1], value, "78" * 32, b"")
    rows[answering].append(("receipt", HEADERS, (ANSWER * len(events))[:62_000]))
    answers = sorted((organisation, "bench", each["id"], ANSWER) for each in events)
    moved = {name: standing[name] + len(rows[name]) for name in names}
    await connection.execute(SAVE, "bench.v1", FUNDING, *as_joined_texts([states[key] for key in sorted(states)], 5))
    await connection.execute(INSERT_NEW, *as_joined_texts(answers, 4))
    await journal.write(connection, drain(Lane(*name, 1, moved[name], 0, rows[name]) for name in names))


if __name__ == "__main__":
    read = ServiceSettings.read()
    uvicorn.run(
        app_for(read, sys.argv[1:]), host="127.0.0.1", port=read.http_port, access_log=False, log_level="error"
    )
