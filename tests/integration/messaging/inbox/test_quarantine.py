"""The quarantine: records with raw content, pages in order, and closing actions."""

from typing import Any

import asyncpg
import pytest
from samenspel.contracts.topics import ingress
from samenspel.messaging.inbox import quarantine
from samenspel.messaging.inbox.quarantine import QuarantinedRecord

from tests.support.service_schema import OPERATOR, Room

TOPIC = ingress("initiatives", OPERATOR)
HEADERS = [("ce_id", b"\xff\x00"), ("note", None)]


def unreadable(offset: int, **changes: Any) -> QuarantinedRecord:
    return QuarantinedRecord(TOPIC, 0, offset, 1_763_978_400_000, "unreadable-record", "why", **changes)


async def inserted(room: Room, *records: QuarantinedRecord) -> list[int]:
    """The numbers of the records in quarantine."""
    async with room.pool.acquire() as connection:
        await quarantine.insert(connection, records)
        return [row["number"] for row in await quarantine.page(connection, 0, False, 100)]


async def test_record_comes_back_with_its_bytes_and_headers(registry: Room) -> None:
    [number] = await inserted(registry, unreadable(7, key=b"key", headers=HEADERS, value=b"\xff", raw=None))
    async with registry.pool.acquire() as connection:
        row = await quarantine.find(connection, number)
    assert row is not None
    record = quarantine.record_in(row)
    assert (record.topic, record.offset, record.timestamp) == (TOPIC, 7, 1_763_978_400_000)
    assert (record.key, record.value, list(record.headers)) == (b"key", b"\xff", HEADERS)


async def test_record_with_undecodable_headers_has_its_raw_bytes_instead(registry: Room) -> None:
    [number] = await inserted(registry, unreadable(7, raw=b"\xff\xfe"))
    async with registry.pool.acquire() as connection:
        row = await quarantine.find(connection, number)
    assert row is not None
    assert (quarantine.headers_in(row), row["raw"]) == (None, b"\xff\xfe")


async def test_record_is_kept_once_however_often_it_is_read(registry: Room) -> None:
    assert len(await inserted(registry, unreadable(7))) == 1
    assert len(await inserted(registry, unreadable(7), unreadable(8))) == 2


async def test_detail_with_nul_or_too_much_text_is_stored_all_the_same(registry: Room) -> None:
    [number] = await inserted(
        registry, QuarantinedRecord(TOPIC, 0, 7, 0, "unreadable-record", "a\x00b" + "x" * 5_000)
    )
    async with registry.pool.acquire() as connection:
        row = await quarantine.find(connection, number)
    assert row is not None
    assert row["detail"].startswith("ab")
    assert len(row["detail"]) <= 1_000


async def test_pages_continue_behind_a_number_and_leave_out_closed_records(registry: Room) -> None:
    first, second, third = await inserted(registry, *map(unreadable, range(3)))
    async with registry.pool.acquire() as connection:
        assert [row["number"] for row in await quarantine.page(connection, first, True, 1)] == [second]
        await quarantine.record_action(connection, second, "discard", OPERATOR, "a test", "discarded", "")
        assert [row["number"] for row in await quarantine.page(connection, first, True, 9)] == [third]
        assert [row["number"] for row in await quarantine.page(connection, first, False, 9)] == [second, third]
        assert await quarantine.count(connection) == {"unreadable-record": 2}
        [action] = await quarantine.actions(connection, second)
        assert (action["action"], action["operator"], action["why"]) == ("discard", OPERATOR, "a test")


async def test_unknown_number_is_no_record(registry: Room) -> None:
    async with registry.pool.acquire() as connection, connection.transaction():
        assert await quarantine.find(connection, 999) is None
        assert await quarantine.lock(connection, 999) is None


@pytest.mark.parametrize("statement", ["update quarantine set detail = 'x'", "delete from quarantine"])
async def test_record_cannot_be_changed_or_deleted(registry: Room, statement: str) -> None:
    await inserted(registry, unreadable(7))
    with pytest.raises(asyncpg.PostgresError):
        await registry.pool.execute(statement)
