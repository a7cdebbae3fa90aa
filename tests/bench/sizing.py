"""The cost of an event and of an organisation: disk, memory, processor time, connections. Figures without goals.

Processor time per event is that above the time without load.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import asyncpg
import psutil
from samenspel.client.admin.admission import admit
from samenspel.client.replica import ReplicaStore, sync_over_kafka
from samenspel.contracts.organisations import OrganisationAdmitted
from samenspel.contracts.topics import INGRESS, INITIATIVES, RECEIPTS, Service

from tests.bench.harness import Stand, await_number, fill
from tests.bench.measures import Figure

SERVICES: Final[tuple[Service, ...]] = ("registry", "funding", "notifier")
ADMITTED: Final = 50
SECONDS_MAX: Final = 240.0
SETTLED_SECONDS: Final = 5.0
IDLE_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.2
MEBIBYTE: Final = 1024 * 1024
TOPICS_OF: Final = {
    "canonical lanes": INITIATIVES,
    "receipts": f"{RECEIPTS}.",
    "ingress": f"{INGRESS}.",
}
CONNECTIONS: Final = "select datname, count(*) from pg_stat_activity where datname <> 'postgres' group by 1"
FED: Final = "select count(*) from feed where topic = $1"
Processes = Mapping[str, psutil.Process]
Amounts = dict[str, float]


def sizing(stand: Stand, folder: Path, count: int) -> list[Figure]:
    """Costs of ``count`` submissions, then of `ADMITTED` organisations, with every service running."""
    with ExitStack() as running:
        started = {each: running.enter_context(stand.process(each, f"services.{each}")) for each in SERVICES}
        for service in SERVICES:
            stand.await_ready(service)
        processes = {
            **{name: psutil.Process(process.pid) for name, process in started.items()},
            **{name: _daemon(stand, name) for name in ("kafka", "postgres")},
        }
        figures = _events(stand, folder, processes, count)
        return [*figures, *_organisations(stand, processes)]


def _daemon(stand: Stand, name: str) -> psutil.Process:
    process = stand.system.daemons()[name].process()  # type: ignore[index]  # a listener's name
    assert process is not None
    return process


def _events(stand: Stand, folder: Path, processes: Processes, count: int) -> list[Figure]:
    asyncio.run(_settle(stand))
    began, busy, disk = time.monotonic(), _seconds(processes), _disk(stand)
    asyncio.run(fill(stand, "initiatives", count, 1, count // 5))
    asyncio.run(await_number(stand, "notifier", FED, INITIATIVES, count, SECONDS_MAX, POLL_SECONDS))
    asyncio.run(_settle(stand))
    elapsed, after, idle = time.monotonic() - began, _seconds(processes), _idle(processes)
    used = {name: max(0.0, took - busy[name] - elapsed * idle[name]) for name, took in after.items()}
    grown = {name: size - disk[name] for name, size in _disk(stand).items()}
    with ReplicaStore(folder / "sizing.db", create=True) as store:
        sync_over_kafka(stand.system.profile, stand.reader(), store, topics=[INITIATIVES])
    grown["replica"] = (folder / "sizing.db").stat().st_size
    sizes = [Figure(f"disk per event: {name}", size / count, "bytes") for name, size in grown.items()]
    times = [Figure(f"CPU per 1,000 events: {name}", 1_000 * took / count, "s") for name, took in used.items()]
    cores = [Figure(f"cores without load: {name}", share, "") for name, share in idle.items()]
    return [*sizes, *times, *cores, *asyncio.run(_connections(stand, processes))]


async def _settle(stand: Stand) -> None:
    """Wait for background work; then write out what PostgreSQL holds in memory."""
    await asyncio.sleep(SETTLED_SECONDS)
    connection = await asyncpg.connect(stand.system.postgres.admin_dsn)
    await connection.execute("checkpoint")
    await connection.close()


def _organisations(stand: Stand, processes: Processes) -> list[Figure]:
    before, disk = _memory(processes), _disk(stand)
    began = time.monotonic()
    stated = [
        OrganisationAdmitted(oin=f"000000990000000070{number:02d}", name=f"Gemeente {number}", kind="municipality")
        for number in range(ADMITTED)
    ]
    asyncio.run(admit(stand.system.profile, stated))
    admission = 1_000 * (time.monotonic() - began) / ADMITTED
    asyncio.run(_settle(stand))
    memory = _memory(processes)
    grown = {name: _disk(stand)[name] - size for name, size in disk.items() if name.startswith("PostgreSQL")}
    return [
        *(Figure(f"memory: {name}", size, "MiB") for name, size in before.items()),
        *(
            Figure(f"memory per organisation: {name}", 1024 * max(0.0, memory[name] - size) / ADMITTED, "KiB")
            for name, size in before.items()
        ),
        Figure("disk per organisation: PostgreSQL", sum(grown.values()) / 1024 / ADMITTED, "KiB"),
        Figure("admission of one of fifty organisations", admission, "ms"),
    ]


def _family(process: psutil.Process) -> Iterator[psutil.Process]:
    yield process
    yield from process.children(recursive=True)


def _seconds(processes: Processes) -> Amounts:
    """Processor time so far, with that of ended children."""
    return {name: sum(sum(each.cpu_times()[:2]) for each in _family(process)) + sum(process.cpu_times()[2:4])
            for name, process in processes.items()}  # fmt: skip


def _idle(processes: Processes) -> Amounts:
    """Cores used without load."""
    before = _seconds(processes)
    time.sleep(IDLE_SECONDS)
    return {name: (took - before[name]) / IDLE_SECONDS for name, took in _seconds(processes).items()}


def _memory(processes: Processes) -> Amounts:
    """MiB; memory that processes share is counted once."""
    return {name: sum(each.memory_full_info().pss for each in _family(process)) / MEBIBYTE
            for name, process in processes.items()}  # fmt: skip


def _disk(stand: Stand) -> Amounts:
    """Bytes of each database, and of the record batches of each kind of topic."""
    data = stand.system.home.kafka_data
    kafka = {
        f"Kafka, {name}": float(sum(file.stat().st_size for file in data.rglob(f"{topic}*/*.log")))
        for name, topic in TOPICS_OF.items()
    }
    return {**asyncio.run(_databases(stand)), **kafka}


async def _databases(stand: Stand) -> Amounts:
    connection = await asyncpg.connect(stand.system.postgres.admin_dsn)
    try:
        return {
            f"PostgreSQL, {name}": float(await connection.fetchval("select pg_database_size($1::text)", name))
            for name in SERVICES
        }
    finally:
        await connection.close()


async def _connections(stand: Stand, processes: Processes) -> list[Figure]:
    connection = await asyncpg.connect(stand.system.postgres.admin_dsn)
    try:
        rows = await connection.fetch(
            "select datname, count(*) from pg_stat_activity where datname <> 'postgres' group by 1"
        )
    finally:
        await connection.close()
    broker = processes["kafka"]
    ports = {each.laddr.port for each in broker.net_connections("tcp") if each.status == psutil.CONN_LISTEN}
    kafka = {
        name: sum(bool(each.raddr) and each.raddr.port in ports for each in processes[name].net_connections("tcp"))
        for name in SERVICES
    }
    return [
        *(Figure(f"connections to PostgreSQL: {row[0]}", row[1], "") for row in sorted(rows)),
        *(Figure(f"connections to Kafka: {name}", number, "") for name, number in kafka.items()),
    ]
