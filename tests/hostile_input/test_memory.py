"""The whole hostile corpus passes a service within 512 MiB of memory, and other organisations are answered meanwhile.

The limit is that of the process itself (RLIMIT_AS): what the service has reserved at the start, without the memory in
use, and 512 MiB. An allocation beyond fails; a failed service would be restarted by the supervisor, with another pid.
"""

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import psutil
import pytest
from samenspel.contracts.topics import ingress

from deploy.local.system import LocalSystem
from tests.hostile_input.amplification import AMPLIFIED, bodies
from tests.hostile_input.batches import TAKEN
from tests.hostile_input.records import KINDS
from tests.support.events import Event, binary, initiative
from tests.support.organisations import Organisation, admit
from tests.support.reading import answers_of, answers_to
from tests.support.record_batches import batch_of, raw, sender
from tests.support.submitting import post, post_raw, send
from tests.support.waiting import eventually

MEMORY_BYTES: Final = 512 * 1_048_576
ANSWER_SECONDS: Final = 20
SECONDS: Final = 240
REQUESTS_AT_ONCE: Final = 6
PEAK: Final = re.compile(r"VmHWM:\s+(\d+) kB")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limit of a running process is Linux's")


@pytest.fixture
def limited(system: LocalSystem) -> Iterator[psutil.Process]:
    """The running registry under the limit; the limit is lifted afterwards."""
    process = system.services.daemon("registry").process()
    assert process is not None
    used = process.memory_info()
    before = process.rlimit(psutil.RLIMIT_AS)
    process.rlimit(psutil.RLIMIT_AS, (used.vms - used.rss + MEMORY_BYTES, before[1]))
    try:
        yield process
    finally:
        if process.is_running():
            process.rlimit(psutil.RLIMIT_AS, before)


async def test_hostile_corpus_passes_within_512_mib_and_others_are_answered(
    system: LocalSystem, limited: psutil.Process
) -> None:
    hostile, innocent, quiet = [await admit(system) for _ in range(3)]
    log_start = system.services.daemon("registry").log.stat().st_size
    # All input is made before: the test shares its event loop with the innocent organisations.
    batches, requests = _batches(hostile), bodies(_event(hostile)) * 4
    attack = asyncio.ensure_future(_attack(hostile, batches, requests))
    answered = [each async for each in _served(attack, innocent, quiet)]
    statuses, given = await attack
    process = system.services.daemon("registry").process()
    assert process is not None and process.pid == limited.pid, "the service was restarted"
    assert _peak(limited) < MEMORY_BYTES
    with system.services.daemon("registry").log.open("rb") as log:
        log.seek(log_start)
        assert b"MemoryError" not in log.read()
    assert len(answered) >= 2, "others were served while the corpus was read"
    assert all(status < 500 or status == 503 for status in statuses)
    assert {each["outcome"] for each in given} == {"accepted", "rejected", "repeated"}


async def _attack(
    city: Organisation, batches: Sequence[tuple[str, bytes, int]], requests: Sequence[tuple[str, bytes]]
) -> tuple[list[int], list[dict[str, Any]]]:
    """Statuses of all requests and answers to all records, once everything has been answered."""
    _, statuses = await asyncio.gather(_over_kafka(city, batches), _over_http(city, requests))
    return statuses, await _answers(city, sum(number for _, _, number in batches))


def _batches(city: Organisation) -> list[tuple[str, bytes, int]]:
    """Every hostile batch and record: name, batch, and the number of answers."""
    event = _event(city)
    amplified = [(each.name, each.batch(event), len(each.make(event))) for each in AMPLIFIED]
    good = [raw(*binary(event)), raw(*binary(_event(city)))]
    taken = [(each.name, each.make(good), len(each.told)) for each in TAKEN]
    return [*amplified, *taken, *((kind.name, batch_of([kind.make(_event(city))]), 1) for kind in KINDS)]


async def _over_kafka(city: Organisation, batches: Sequence[tuple[str, bytes, int]]) -> None:
    async with sender(city.kafka, ingress("initiatives", city.oin)) as produce:
        for name, batch, _ in batches:
            error, _ = await produce(batch)
            assert error == 0, name


async def _over_http(city: Organisation, requests: Sequence[tuple[str, bytes]]) -> list[int]:
    """Statuses of all requests; several are under way at once."""
    turns = asyncio.Semaphore(REQUESTS_AT_ONCE)

    async def status(content_type: str, body: bytes) -> int:
        async with turns:
            return (await post_raw(city, "registry", body, {"content-type": content_type})).status

    return list(await asyncio.gather(*(status(*each) for each in requests)))


async def _served(
    attack: "asyncio.Future[Any]", over_kafka: Organisation, over_http: Organisation
) -> AsyncIterator[str]:
    """The outcome of one event after the other over both entry points, until the attack has been answered."""
    while not attack.done():
        event = _event(over_kafka)
        await send(over_kafka, [event])
        answer = await post(over_http, "registry", _event(over_http))
        assert answer.outcome == "accepted", answer
        answers = await answers_to(over_kafka, [event["id"]], seconds=ANSWER_SECONDS)
        assert answers[event["id"]]["outcome"] == "accepted"
        yield event["id"]


async def _answers(city: Organisation, number: int) -> list[dict[str, Any]]:
    async def all_answered() -> list[dict[str, Any]]:
        given = [answer for answer in await answers_of(city) if answer["record"] != "http"]
        assert len(given) >= number, f"{len(given)} of {number} answered"
        return given

    return await eventually(all_answered, SECONDS)


def _event(city: Organisation) -> Event:
    return city.event("initiative-registered", initiative())


def _peak(process: psutil.Process) -> int:
    """Largest resident memory of the process so far, in bytes."""
    found = PEAK.search(Path(f"/proc/{process.pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1_024
