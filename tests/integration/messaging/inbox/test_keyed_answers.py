"""A submission with a private part is recognised again after a restore and after a rotation of the HMAC key."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

import orjson
import pytest
import pytest_asyncio
from samenspel.contracts.canonical import to_headers
from samenspel.contracts.catalogue import ORGANISATION, type_name
from samenspel.contracts.cloudevents import Envelope
from samenspel.contracts.submission_hashes import HashKeyMissing, HashKeys, key_id_of
from samenspel.contracts.submissions import Submission, read_submission
from samenspel.contracts.topics import FUNDING, LANES_LOCAL, receipts
from samenspel.messaging.decisions.processor import SubmissionProcessor
from samenspel.messaging.errors import NoHashKey
from samenspel.messaging.inbox.answers import RenderedAnswer
from samenspel.messaging.outbox import journal
from samenspel.messaging.recovery.lane_recovery import LaneReplay, NotRecoverable, Recovered, recover_lane
from samenspel.messaging.recovery.replay import EventReplay, receipt_replay
from samenspel.messaging.service.hash_key_check import HashKeyCheck

from services.funding.handlers import FundingDecider
from tests.support.events import new_id
from tests.support.memory_log import Log
from tests.support.service_schema import OPEN, Room, room

NOW: Final = datetime(2026, 11, 24, 12, tzinfo=UTC)
RIJK, CITY = "00000099000000000100", "00000099000000000200"
OLD, NEW = "o" * 40, "n" * 40
PROJECTED: Final = """
insert into projection (aggregate, subject, topic, lane, value, hash)
values ($1, $2, 'samenspel.organisations', 0, $3, decode(repeat('01', 32), 'hex'))
"""


@pytest_asyncio.fixture(scope="module")
async def database(server: str) -> AsyncIterator[Room]:
    async with room(server, "funding") as made:
        yield made


@pytest_asyncio.fixture
async def funding(database: Room) -> Room:
    """Funding without history, with two admitted organisations."""
    await database.clear()
    names = [(FUNDING, lane) for lane in range(LANES_LOCAL)]
    names += [(receipts("funding", oin), 0) for oin in (RIJK, CITY)]
    async with database.pool.acquire() as connection:
        await journal.ensure(connection, names)
        await connection.execute(OPEN)
        for oin, roles in ((RIJK, ["grant-authority"]), (CITY, [])):
            stated = {"oin": oin, "name": "Organisatie", "kind": "ministry", "roles": roles, "version": 1}
            await connection.execute(PROJECTED, ORGANISATION.name, oin, orjson.dumps(stated))
    return database


def submitted(fact: str, by: str, data: dict[str, Any]) -> Submission:
    attributes = {"specversion": "1.0", "id": new_id(), "source": f"urn:nld:oin:{by}", "type": type_name(fact)}
    return read_submission(Envelope(attributes, orjson.dumps(data)), by, FundingDecider.types, NOW, "test")


def opened(programme_id: str) -> Submission:
    data = {
        "programme_id": programme_id,
        "name": "Regio Deals",
        "ceiling_cents": 100_000,
        "instrument": "subsidie",
        "legal_basis": "Subsidieregeling regiodeals",
        "period": {"start": "2026-01-01"},
        "distribution_method": "order-of-receipt",
    }
    return submitted("programme-opened", RIJK, data)


def applied(programme_id: str, requested_cents: int = 25_000) -> Submission:
    data = {
        "programme_id": programme_id,
        "application_id": new_id(),
        "beneficiary": {"name": "Regio Twente"},
        "activity": "Laadpleinen",
        "requested_cents": requested_cents,
    }
    return submitted("application-submitted", CITY, data)


async def settle(funding: Room, keys: str, *submissions: Submission) -> list[RenderedAnswer]:
    decider, source = FundingDecider(), "urn:nld:oin:00000099000000000001:systeem:samenspel-funding"
    processor = SubmissionProcessor(decider, source, LANES_LOCAL, new_id, lambda: NOW, HashKeys.parse(keys))
    async with funding.pool.acquire() as connection, connection.transaction():
        return await processor.process(connection, submissions)


async def outcome(funding: Room, keys: str, submission: Submission) -> str:
    [answer] = await settle(funding, keys, submission)
    return answer.outcome


async def hash_headers(funding: Room) -> dict[str, str]:
    """The hash attributes of the application's event."""
    rows = await funding.rows("select headers from journal where topic = $1 order by sequence", FUNDING)
    [headers] = [
        found for row in rows if (found := dict(to_headers(row["headers"])))["ce_type"].endswith(b"submitted.v1")
    ]
    return {name: headers.get(name, b"").decode() for name in ("ce_submissionhash", "ce_submissionhashkey")}


async def restored(funding: Room, keys: str, *, with_receipts: bool = False) -> list[Recovered]:
    """Everything is lost and folded again from what Kafka holds; without receipts, which may have expired."""
    log = Log()
    for row in await funding.rows("select * from journal order by topic, lane, sequence"):
        key = row["key"].encode()
        log.append(row["topic"], row["lane"], to_headers(row["headers"]), row["value"], key=key)
    organisations = await funding.rows("select aggregate, subject, value from projection")
    await funding.clear()
    found = []
    async with funding.pool.acquire() as connection:
        for organisation in organisations:
            await connection.execute(PROJECTED, *organisation)
        await journal.ensure(connection, [*log.partitions, *((FUNDING, lane) for lane in range(LANES_LOCAL))])
        for topic, lane in sorted(log.partitions, reverse=False):
            replay = LaneReplay(EventReplay(FundingDecider()).apply)
            if topic != FUNDING:
                if not with_receipts:
                    continue
                replay = receipt_replay(HashKeys.parse(keys))
            found.append(await recover_lane(connection, log, (topic, lane), replay))  # type: ignore[arg-type]
        await connection.execute(OPEN)
    return found


async def missing(funding: Room, keys: str) -> dict[str, str]:
    check = HashKeyCheck(HashKeys.parse(keys), FundingDecider.types.values())
    async with funding.pool.acquire() as connection:
        await check.refresh(connection)
    return check.problems()


async def test_no_reader_can_try_amounts(funding: Room) -> None:
    programme_id = new_id()
    application = applied(programme_id)
    await settle(funding, OLD, opened(programme_id), application)
    headers = await hash_headers(funding)
    plain = sha256(
        application.type.name.encode()
        + b"\n"
        + orjson.dumps(
            orjson.loads(application.data.model_dump_json(exclude_unset=True)), option=orjson.OPT_SORT_KEYS
        )
    ).hexdigest()
    assert plain == application.hash.hex()
    assert headers["ce_submissionhash"] != plain
    assert headers["ce_submissionhashkey"] == key_id_of(OLD.encode())


@pytest.mark.parametrize("keys", [OLD, f"{NEW} {OLD}"], ids=["the same key", "rotated"])
@pytest.mark.parametrize("with_receipts", [False, True], ids=["from events", "from receipts"])
async def test_sent_again_after_a_restore_or_a_rotation_it_is_repeated(
    funding: Room, keys: str, with_receipts: bool
) -> None:
    programme_id = new_id()
    application = applied(programme_id)
    await settle(funding, OLD, opened(programme_id), application)
    assert await outcome(funding, keys, application) == "repeated"
    await restored(funding, keys, with_receipts=with_receipts)
    assert await missing(funding, keys) == {}
    other = applied(programme_id, 24_999)
    other.id = application.id
    assert await outcome(funding, keys, other) == "rejected"
    assert await outcome(funding, keys, application) == "repeated"
    [row] = await funding.rows("select private from aggregate where aggregate = 'application.v1'")
    assert orjson.loads(row["private"])["requested_cents"] == 25_000


async def test_without_the_key_it_is_said_and_nothing_is_decided(funding: Room) -> None:
    programme_id = new_id()
    assert "submission hash key" in await missing(funding, "")
    await settle(funding, "", opened(programme_id))
    application = applied(programme_id)
    with pytest.raises(NoHashKey):
        await settle(funding, "", application)
    assert await outcome(funding, OLD, application) == "accepted"
    await restored(funding, OLD)
    key_id = key_id_of(OLD.encode())
    assert list(await missing(funding, NEW)) == [f"submission hash key {key_id}"]
    with pytest.raises(HashKeyMissing, match=key_id):
        await settle(funding, NEW, application)
    assert await missing(funding, f"{NEW} lost:{key_id}") == {}
    assert await outcome(funding, f"{NEW} lost:{key_id}", application) == "rejected"


async def test_a_recovery_from_receipts_names_the_missing_key(funding: Room) -> None:
    programme_id = new_id()
    await settle(funding, OLD, opened(programme_id), applied(programme_id))
    with pytest.raises(NotRecoverable, match=key_id_of(OLD.encode())):
        await restored(funding, NEW, with_receipts=True)
