"""Webhooks and feed pages on a small and on a large feed: neither may depend on the number of past events.

Ten subscriptions receive 50 events a second. The latency runs from the append of a submission to the arrival of the
event at the receiver. The floor sends requests of the same size at the same pace to the same receiver, without a
notifier.
"""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import aiohttp
import asyncpg
import orjson
from aiokafka import AIOKafkaProducer
from samenspel.contracts.catalogue import type_name
from samenspel.contracts.topics import CANONICAL, ingress

from services.notifier import feed
from services.notifier.domain.cursor import LanePosition
from tests.bench.harness import ORGANISATIONS, Stand, event_headers, submission
from tests.bench.measures import Figure

SUBSCRIPTIONS: Final = 10
PER_SECOND: Final = 50
BODY_BYTES: Final = 1_400
WARM: Final = 0.2
"""Part of the events that warm up."""
LANES_OF_HISTORY: Final = range(4, 16)
"""Lanes that do not exist in Kafka: 48 on four topics, as in production."""
CHUNK: Final = 200_000
PAGES: Final = 15
P50_MAX: Final = 40.0
PAGE_MAX: Final = 25.0
SECONDS_MAX: Final = 20.0

EVENTS: Final = """
insert into feed (topic, lane, timeline, sequence, id, type, subject, aggregate, organisation, headers, value)
select ($1::text[])[1 + n % cardinality($1::text[])],
  ($2::int[])[1 + n / cardinality($1::text[]) % cardinality($2::int[])], 1,
  1 + n / (cardinality($1::text[]) * cardinality($2::int[])),
  lpad(to_hex(n), 12, '0') || '-7000-8000-' || lpad(to_hex(n % 48), 12, '0'), $3, s.subject, 'initiative.v1', $4,
  convert_to(concat_ws(chr(10), 'ce_aggregate:initiative.v1', 'ce_authid:urn:nld:oin:' || $4,
    'ce_causationid:' || s.subject, 'ce_correlationid:' || s.subject, 'ce_dataclassification:public',
    'ce_id:' || s.subject, 'ce_lane:samenspel.initiatives/4', 'ce_sequence:' || lpad(n::text, 20, '0'),
    'ce_source:urn:nld:oin:' || $4 || ':systeem:samenspel-registry', 'ce_specversion:1.0',
    'ce_statedigest:' || s.subject || s.subject, 'ce_subject:' || s.subject, 'ce_submissionid:' || s.subject,
    'ce_time:2026-11-24T10:11:12.123Z', 'ce_timeline:1', 'ce_type:' || $3, ''), 'UTF8'),
  convert_to('{"initiative_id":"' || s.subject || '","title":"' || repeat(md5(n::text), 10) || '"}', 'UTF8')
from generate_series($5::bigint, $6::bigint) n cross join lateral (select md5(n::text)::uuid::text as subject) s
"""
ENDS: Final = """
insert into checkpoint (topic, lane, sequence) select topic, lane, max(sequence) from feed
where lane = any($1::int[]) group by topic, lane
on conflict (topic, lane) do update set sequence = excluded.sequence
"""


def webhooks(stand: Stand, sizes: Sequence[int], seconds: int = 12) -> list[Figure]:
    """Median latency and feed page with each history; the smallest history is the base of the ratios."""
    figures: list[Figure] = []
    with sink() as address, stand.process("registry", "services.registry"):
        with stand.process("notifier", "services.notifier"):
            stand.await_ready("registry")
            stand.await_ready("notifier")
            asyncio.run(_subscribe(stand, address))
        there = 0
        for run, size in enumerate(sizes):
            asyncio.run(grow(stand, there, size))
            there = size
            with stand.process("notifier", "services.notifier"):
                stand.await_ready("notifier")
                figures += asyncio.run(_latency(stand, address, size, seconds, run))
            figures.append(asyncio.run(_page(stand, size)))
    return figures


@contextmanager
def sink() -> Iterator[str]:
    """The address of a receiver in a process of its own."""
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.webhook_sink"], stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


async def grow(stand: Stand, already: int, until: int) -> None:
    """Extend the feed from ``already`` to ``until`` events, and update planner statistics."""
    connection = await asyncpg.connect(stand.system.databases.dsn_with_password("notifier"))
    try:
        for first in range(already, until, CHUNK):
            last = min(first + CHUNK, until) - 1
            names = list(CANONICAL), list(LANES_OF_HISTORY), type_name("initiative-registered"), ORGANISATIONS[0]
            await connection.execute(EVENTS, *names, first, last)
        await connection.execute(ENDS, list(LANES_OF_HISTORY))
        await connection.execute("vacuum analyze")
    finally:
        await connection.close()


async def _subscribe(stand: Stand, address: str) -> None:
    """Ten webhooks of two organisations."""
    url = stand.system.profile.system().http["notifier"]
    async with aiohttp.ClientSession() as session:
        for number in range(SUBSCRIPTIONS):
            credential = stand.system.profile.credential(ORGANISATIONS[number % 2])
            wanted = {"endpoint": f"{address}/{number}", "types": [type_name("initiative-registered")]}
            headers = {"authorization": f"Bearer {credential.token}"}
            async with session.post(f"{url}/v1/subscriptions", json=wanted, headers=headers) as response:
                assert response.status == 201, await response.text()


async def _latency(stand: Stand, address: str, size: int, seconds: int, run: int) -> list[Figure]:
    async with aiohttp.ClientSession() as session:
        floor = statistics.median(await _bare(session, address, seconds // 3))
        sent = await _submit(stand, seconds, run)
        arrived = await _arrivals(session, address, len(sent) * SUBSCRIPTIONS)
    delays = sorted((at - sent[id]) * 1_000 for id, at in arrived if sent.get(id, 0.0) >= _warm_until(sent))
    p50, p99 = statistics.median(delays), delays[len(delays) * 99 // 100]
    name = f"webhook at {PER_SECOND * SUBSCRIPTIONS}/s with {size:,} events"
    lost = len(sent) * SUBSCRIPTIONS - len(arrived)
    return [
        Figure(f"{name}, p50", p50, "ms", floor, p50 / floor, f"<= {P50_MAX:.0f} ms", p50 <= P50_MAX),
        Figure(f"{name}, p99", p99, "ms"),
        Figure(f"{name}, lost or repeated", lost, "deliveries", goal="0", holds=lost == 0),
    ]


def _warm_until(sent: dict[str, float]) -> float:
    return sorted(sent.values())[int(len(sent) * WARM)]


async def _bare(session: aiohttp.ClientSession, address: str, seconds: int) -> list[float]:
    """Milliseconds from the send to the arrival of requests without a notifier, at the same pace and size."""
    body = orjson.dumps({"submissionid": "bare", "data": "x" * BODY_BYTES})
    delays: list[float] = []

    async def one(number: int) -> None:
        began = time.time()
        async with session.post(f"{address}/{number}", data=body) as response:
            assert response.status == 204
        delays.append((time.time() - began) * 1_000)

    async for _ in _paced(PER_SECOND, seconds):
        await asyncio.gather(*map(one, range(SUBSCRIPTIONS)))
    await _arrivals(session, address, 0)
    return delays


async def _submit(stand: Stand, seconds: int, run: int) -> dict[str, float]:
    """Submissions at an even pace: the Unix time of each append, by id."""
    producer = AIOKafkaProducer(**stand.kafka(), acks="all", enable_idempotence=True)
    await producer.start()
    sent: dict[str, float] = {}
    waiting = []
    try:
        async for number in _paced(PER_SECOND, seconds):
            oin = ORGANISATIONS[number % len(ORGANISATIONS)]
            value, key = submission(number, 7_000 + run, PER_SECOND * seconds)
            id = f"webhook-{run}-{number}"
            sent[id] = time.time()
            headers = event_headers(oin, id, "registered")
            waiting.append(await producer.send(ingress("initiatives", oin), value, key=key.encode(), headers=headers))
        await asyncio.gather(*waiting)
    finally:
        await producer.stop()
    return sent


async def _paced(per_second: int, seconds: int) -> AsyncIterator[int]:
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(per_second * seconds):
        await asyncio.sleep(max(0.0, began + number / per_second - loop.time()))
        yield number


async def _arrivals(session: aiohttp.ClientSession, address: str, wanted: int) -> list[tuple[str, float]]:
    """The arrivals at the receiver: wait until there are as many as ``wanted``, or `SECONDS_MAX`."""
    found: list[tuple[str, float]] = []
    deadline = time.monotonic() + SECONDS_MAX
    while True:
        async with session.get(f"{address}/arrivals") as response:
            found += [(id, at) for id, at in orjson.loads(await response.read())]
        if len(found) >= wanted or time.monotonic() > deadline:
            return found
        await asyncio.sleep(0.2)


async def _page(stand: Stand, size: int) -> Figure:
    """Median milliseconds of a page of 1,000 events over 48 lanes, from places all over the feed."""
    lanes = [(topic, lane) for topic in CANONICAL for lane in LANES_OF_HISTORY]
    end = size // len(lanes)
    taken = []
    dsn = stand.system.databases.dsn_with_password("notifier")
    async with asyncpg.create_pool(dsn, min_size=1, max_size=2) as pool:
        for number in range(PAGES):
            after = {name: LanePosition(1, end * number // (2 * PAGES)) for name in lanes}
            began = time.perf_counter()
            page = await feed.read(pool, after, feed.PAGE_MAX)
            b"\n,".join(page.events)
            taken.append((time.perf_counter() - began) * 1_000)
            assert len(page.events) == min(feed.PAGE_MAX, size // 2)
    value = statistics.median(taken)
    name = f"feed page of 1,000 from {len(lanes)} lanes with {size:,} events"
    return Figure(name, value, "ms", goal=f"<= {PAGE_MAX:.0f} ms", holds=value <= PAGE_MAX)
