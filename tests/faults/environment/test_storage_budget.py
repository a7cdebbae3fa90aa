"""An ingress above its storage budget is paused, and read on later with nothing lost. Others notice nothing."""

from samenspel.contracts.topics import ingress

from deploy.local.system import LocalSystem
from tests.faults.restore.operator_commands import has_read
from tests.support.database import rows
from tests.support.events import initiative
from tests.support.organisations import Organisation, admit
from tests.support.reading import answers_of, answers_to
from tests.support.service_process import Life, begin
from tests.support.submitting import post, send, send_raw
from tests.support.waiting import eventually

RECORDS, LIMIT = 400, 100_000
SETTING = "SAMENSPEL_LIMIT_STORED_BYTES"
OFFSET = "select next_offset from ingress_offset where topic = $1"


async def begin_limited(system: LocalSystem, **changes: str) -> Life:
    life = begin(system, "registry", changes=changes)
    await eventually(lambda: system.services.is_ready("registry"), 60, "a ready registry")
    return life


async def next_offset(organisation: Organisation) -> int:
    [row] = await rows(organisation.system, "registry", OFFSET, ingress("initiatives", organisation.oin))
    return int(row["next_offset"])


async def test_flood_of_unreadable_records_pauses_its_ingress_and_loses_nothing(bare_system: LocalSystem) -> None:
    life = await begin_limited(bare_system, **{SETTING: str(LIMIT)})
    try:
        flooder, neighbour = await admit(bare_system), await admit(bare_system)
        for _ in range(4):
            await send_raw(flooder, [([], b"no event")] * (RECORDS // 4))
            event = neighbour.event("initiative-registered", initiative())
            await send(neighbour, [event])
            assert (await answers_to(neighbour, [event["id"]]))[event["id"]]["outcome"] == "accepted"
        answer = await post(flooder, "registry", flooder.event("initiative-registered", initiative()))
        assert answer.status == 429, "also over HTTP, until the use has decreased"
        assert 0 < await next_offset(flooder) < RECORDS
        answer = await post(neighbour, "registry", neighbour.event("initiative-registered", initiative()))
        assert answer.outcome == "accepted"
    finally:
        life.kill()
    life = await begin_limited(bare_system)
    try:
        await has_read(bare_system, flooder, RECORDS)
        answered = [answer["record"] for answer in await answers_of(flooder)]
        topic = ingress("initiatives", flooder.oin)
        assert answered == [f"{topic}/0/{offset}" for offset in range(RECORDS)], "each once, in order"
    finally:
        life.kill()
