"""The whole hostile corpus passes each service within 512 MiB of memory; others are answered meanwhile.

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
from samenspel.contracts.examples import EXAMPLES
from samenspel.contracts.topics import DOMAIN_OF, Service, ingress

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

MEBIBYTE: Final = 1_048_576
MEMORY_BYTES: Final = 512 * MEBIBYTE
ANSWER_SECONDS: Final = 20
SECONDS: Final = 240
REQUESTS_AT_ONCE: Final = 6
PEAK: Final = re.compile(r"VmHWM:\s+(\d+) kB")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limit of a running process is Linux's")


FACTS: Final[dict[Service, str]] = {
    "registry": "initiative-registered",
    "funding": "programme-opened",
    "notifier": "subscription-cancelled",
}
"""The event that other organisations send. Funding and notifier reject it; the answer counts."""


@pytest.fixture
def limited(system: LocalSystem, service: Service) -> Iterator[psutil.Process]:
    """The running service under the limit; the limit is lifted afterwards."""
    process = system.services.daemon(service).process()
    assert process is not None
    used = process.memory_info()
    before = process.rlimit(psutil.RLIMIT_AS)
    process.rlimit(psutil.RLIMIT_AS, (used.vms - used.rss + MEMORY_BYTES, before[1]))
    try:
        yield process
    finally:
        if process.is_running():
            process.rlimit(psutil.RLIMIT_AS, before)


@pytest.mark.parametrize(
    "service",
    ["registry", pytest.param("funding", marks=pytest.mark.long), pytest.param("notifier", marks=pytest.mark.long)],
)
async def test_hostile_corpus_passes_within_512_mib_and_others_are_answered(
    system: LocalSystem, service: Service, limited: psutil.Process
) -> None:
    hostile, innocent, quiet = [await admit(system) for _ in range(3)]
    daemon = system.services.daemon(service)
    log_start = daemon.log.stat().st_size
    # All input is made before: the test shares its event loop with the innocent organisations.
    batches, requests = _batches(hostile, service), bodies(_event(hostile, service)) * 4
    attack = asyncio.ensure_future(_attack(hostile, service, batches, requests))
    answered = [each async for each in _served(attack, service, innocent, quiet)]
    statuses, given = await attack
    process = daemon.process()
    assert process is not None and process.pid == limited.pid, "the service was restarted"
    print(f"{service}: peak {_peak(limited) / MEBIBYTE:.0f} MiB")
    assert _peak(limited) < MEMORY_BYTES
    with daemon.log.open("rb") as log:
        log.seek(log_start)
        assert b"MemoryError" not in log.read()
    assert len(answered) >= 2, "others were served while the corpus was read"
    assert all(status < 500 or status == 503 for status in statuses)
    assert {each["outcome"] for each in given} <= {"accepted", "rejected", "repeated"}


async def _attack(
    city: Organisation,
    service: Service,
    batches: Sequence[tuple[str, bytes, int]],
    requests: Sequence[tuple[str, bytes]],
) -> tuple[list[int], list[dict[str, Any]]]:
    """Statuses of all requests and answers to all records, once everything has been answered."""
    _, statuses = await asyncio.gather(_over_kafka(city, service, batches), _over_http(city, service, requests))
    return statuses, await _answers(city, service, sum(number for _, _, number in batches))


def _batches(city: Organisation, service: Service) -> list[tuple[str, bytes, int]]:
    """Every hostile batch and record: name, batch, and the number of answers."""
    event = _event(city, service)
    amplified = [(each.name, each.batch(event), len(each.make(event))) for each in AMPLIFIED]
    good = [raw(*binary(event)), raw(*binary(_event(city, service)))]
    taken = [(each.name, each.make(good), len(each.told)) for each in TAKEN]
    return [*amplified, *taken, *((kind.name, batch_of([kind.make(_event(city))]), 1) for kind in KINDS)]


async def _over_kafka(city: Organisation, service: Service, batches: Sequence[tuple[str, bytes, int]]) -> None:
    async with sender(city.kafka, ingress(DOMAIN_OF[service], city.oin)) as produce:
        for name, batch, _ in batches:
            error, _ = await produce(batch)
            assert error == 0, name


async def _over_http(city: Organisation, service: Service, requests: Sequence[tuple[str, bytes]]) -> list[int]:
    """Statuses of all requests; several are under way at once."""
    turns = asyncio.Semaphore(REQUESTS_AT_ONCE)

    async def status(content_type: str, body: bytes) -> int:
        async with turns:
            return (await post_raw(city, service, body, {"content-type": content_type})).status

    return list(await asyncio.gather(*(status(*each) for each in requests)))


async def _served(
    attack: "asyncio.Future[Any]", service: Service, over_kafka: Organisation, over_http: Organisation
) -> AsyncIterator[str]:
    """The outcome of one event after the other over both entry points, until the attack has been answered."""
    expected, domain = "accepted" if service == "registry" else "rejected", DOMAIN_OF[service]
    while not attack.done():
        event = _event(over_kafka, service)
        await send(over_kafka, [event], domain)
        answer = await post(over_http, service, _event(over_http, service))
        assert answer.outcome == expected, answer
        answers = await answers_to(over_kafka, [event["id"]], domain, ANSWER_SECONDS)
        assert answers[event["id"]]["outcome"] == expected
        yield event["id"]


async def _answers(city: Organisation, service: Service, number: int) -> list[dict[str, Any]]:
    async def all_answered() -> list[dict[str, Any]]:
        given = [each for each in await answers_of(city, DOMAIN_OF[service]) if each["record"] != "http"]
        assert len(given) >= number, f"{len(given)} of {number} answered"
        return given

    return await eventually(all_answered, SECONDS)


def _event(city: Organisation, service: Service = "registry") -> Event:
    fact = FACTS[service]
    return city.event(fact, initiative() if service == "registry" else EXAMPLES[fact])


def _peak(process: psutil.Process) -> int:
    """Largest resident memory of the process so far, in bytes."""
    found = PEAK.search(Path(f"/proc/{process.pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1_024
