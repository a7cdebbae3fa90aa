"""The relay alone, on a journal that was filled before, against raw record batches of the same records."""

import asyncio
import os
import subprocess
import sys
from typing import Final

import orjson
from samenspel.contracts.topics import INITIATIVES, LANES_LOCAL

from tests.bench.harness import ORGANISATIONS, Stand, await_number
from tests.bench.measures import Figure, compared
from tests.bench.peers.comparison import LANES, SECONDS_MAX, arrivals
from tests.bench.peers.contestants import Registry, create_topics, ends, load
from tests.bench.peers.raw import VARIABLE

TARGET: Final = "peer.raw"
DECIDED: Final = "select coalesce(sum(next_offset), 0) from ingress_offset where topic = any($1::text[])"


def relaying(stand: Stand, count: int, rounds: int) -> list[Figure]:
    """Events per second on the topic; the relay also carries the receipts of these events, the floor does not."""
    asyncio.run(create_topics(stand, {TARGET: LANES_LOCAL}))
    count -= count % (5 * len(ORGANISATIONS))
    ours, floors = [], []
    for _ in range(rounds):
        begin = asyncio.run(ends(stand, INITIATIVES, LANES))
        _fill_journal(stand, count)
        with stand.process("registry", "services.registry"):
            ours.append(asyncio.run(arrivals(stand, INITIATIVES, sum(begin.values()), count, warm=count // 10)))
        floors.append(_raw(stand, [begin[lane] for lane in sorted(begin)], count))
        print(f"relay: {ours[-1]:,.0f} events/s, raw: {floors[-1]:,.0f} events/s", file=sys.stderr)
    return [compared("relay alone, against raw record batches", "events/s", ours, floors, least=0.5)]


def _fill_journal(stand: Stand, count: int) -> None:
    """Let a registry decide so many submissions and publish none."""
    registry = Registry(stand, "tests.bench.peers.unrelayed")
    begin = asyncio.run(load(stand, registry, "binary", count))
    with registry.running("binary", begin):
        least = sum(begin.values()) + count
        asyncio.run(await_number(stand, "registry", DECIDED, registry.ingress, least, SECONDS_MAX))


def _raw(stand: Stand, begin: list[int], count: int) -> float:
    before = sum(asyncio.run(ends(stand, TARGET, LANES)).values())
    command = [INITIATIVES, orjson.dumps(begin).decode(), TARGET, str(count)]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.peers.raw", *command],
        env={**os.environ, VARIABLE: orjson.dumps(stand.kafka()).decode()},
    )
    try:
        return asyncio.run(arrivals(stand, TARGET, before, count, warm=count // 10))
    finally:
        process.kill()
        process.wait()
