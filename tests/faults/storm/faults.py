"""The faults, and the time until full service after each fault."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from deploy.local.kafka_node.server import Kafka
from deploy.local.postgres_node.server import Postgres
from tests.faults.storm.harness import Stage
from tests.faults.storm.instances import Instance, tell_all
from tests.support.proxy import Proxy
from tests.support.waiting import eventually

Served = Callable[[Instance | None], Awaitable[None]]
"""Returns after full service; for a struck notifier: after the next delivery."""
Fault = Callable[[Stage, Served], Awaitable[tuple[str, float]]]
"""Strikes; gives the exact kind and the seconds until everybody was served."""


async def kill_service(stage: Stage, served: Served) -> tuple[str, float]:
    victim = stage.random.choice(stage.instances)
    struck = time.monotonic()
    await asyncio.to_thread(victim.restart)
    await served(victim)
    return f"kill {victim.service}", time.monotonic() - struck


async def kill_postgres(stage: Stage, served: Served) -> tuple[str, float]:
    """The server with all backends: a killed postmaster alone would let commits finish."""
    return await _kill("PostgreSQL", stage.system.postgres, stage, served)


async def kill_kafka(stage: Stage, served: Served) -> tuple[str, float]:
    return await _kill("Kafka", stage.system.kafka, stage, served)


async def _kill(name: str, server: Kafka | Postgres, stage: Stage, served: Served) -> tuple[str, float]:
    struck = time.monotonic()
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)
    stage.restarts.append((f"{name} answers again", time.monotonic() - struck))
    await served(None)
    return f"kill {name}", time.monotonic() - struck


async def zombie(stage: Stage, served: Served) -> tuple[str, float]:
    """Stopped anywhere; wakes up after the other instances have done the work."""
    victim = stage.random.choice(stage.instances)
    struck = time.monotonic()
    victim.process.send_signal(signal.SIGSTOP)
    try:
        await served(victim)
        return f"stop {victim.service}", time.monotonic() - struck
    finally:
        victim.process.send_signal(signal.SIGCONT)


async def zombie_with_a_lane_locked(stage: Stage, served: Served) -> tuple[str, float]:
    """Stopped with locks held and nothing committed: PostgreSQL's timeouts must free the others."""
    victim = stage.random.choice([each for each in stage.instances if each.service != "notifier"])
    await eventually(victim.is_ready, 90, f"a ready {victim.name}")
    victim.process.send_signal(signal.SIGUSR1)
    asking = asyncio.create_task(_ask(served, victim))  # so the service has something to decide
    try:
        await eventually(lambda: victim.is_stopped or asking.done(), 90, f"{victim.name} with a lane locked")
        struck = time.monotonic()
        await asking
        stored = victim.is_stopped
        return f"stop {victim.service}, lane locked" if stored else "not stopped", time.monotonic() - struck
    finally:
        victim.process.send_signal(signal.SIGCONT)


async def _ask(served: Served, victim: Instance) -> None:
    """Everybody again and again until the victim has stopped, and then once more."""
    while not victim.is_stopped:
        await served(victim)
    await served(victim)


async def stop_postgres(stage: Stage, served: Served) -> tuple[str, float]:
    process = stage.system.postgres.daemon.process()
    assert process is not None
    tell_all(process, signal.SIGSTOP)
    await asyncio.sleep(stage.random.uniform(0.5, 7))
    tell_all(process, signal.SIGCONT)
    struck = time.monotonic()
    await served(None)
    return "stop PostgreSQL", time.monotonic() - struck


async def stop_kafka(stage: Stage, served: Served) -> tuple[str, float]:
    process = stage.system.kafka.daemon.process()
    assert process is not None
    process.send_signal(signal.SIGSTOP)
    await asyncio.sleep(stage.random.uniform(0.5, 7))
    process.send_signal(signal.SIGCONT)
    struck = time.monotonic()
    await served(None)
    return "stop Kafka", time.monotonic() - struck


async def slow(stage: Stage, served: Served) -> tuple[str, float]:
    """A decision asks PostgreSQL some twenty times with lanes locked: every millisecond of delay counts."""
    stage.kafka_proxy.delay(40, jitter=60)
    stage.postgres_proxy.delay(2, jitter=8)
    struck = time.monotonic()
    try:
        await served(None)
        return "slow", time.monotonic() - struck
    finally:
        stage.kafka_proxy.heal()
        stage.postgres_proxy.heal()


async def reset_kafka(stage: Stage, served: Served) -> tuple[str, float]:
    return "reset Kafka", await _reset(stage.kafka_proxy, served)


async def reset_postgres(stage: Stage, served: Served) -> tuple[str, float]:
    return "reset PostgreSQL", await _reset(stage.postgres_proxy, served)


async def _reset(proxy: Proxy, served: Served) -> float:
    struck = time.monotonic()
    await asyncio.to_thread(proxy.reset)
    await served(None)
    return time.monotonic() - struck


async def half_open_kafka(stage: Stage, served: Served) -> tuple[str, float]:
    """Of the instances behind the proxy; the others must take over meanwhile."""
    struck = time.monotonic()
    stage.kafka_proxy.half_open()
    try:
        await served(None)
        return "half-open Kafka", time.monotonic() - struck
    finally:
        await asyncio.to_thread(stage.kafka_proxy.heal)


async def half_open_postgres(stage: Stage, served: Served) -> tuple[str, float]:
    """The same: instances with a silent database leave the partitions to the others."""
    struck = time.monotonic()
    stage.postgres_proxy.half_open()
    try:
        await served(None)
        return "half-open PostgreSQL", time.monotonic() - struck
    finally:
        await asyncio.to_thread(stage.postgres_proxy.heal)


FAULTS: Final[Mapping[str, Fault]] = {
    "kill service": kill_service,
    "kill PostgreSQL": kill_postgres,
    "kill Kafka": kill_kafka,
    "zombie": zombie,
    "zombie with a lane locked": zombie_with_a_lane_locked,
    "stop PostgreSQL": stop_postgres,
    "stop Kafka": stop_kafka,
    "slow": slow,
    "reset Kafka": reset_kafka,
    "reset PostgreSQL": reset_postgres,
    "half-open Kafka": half_open_kafka,
    "half-open PostgreSQL": half_open_postgres,
}
