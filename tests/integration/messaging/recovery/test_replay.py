"""Replay of recovered records: an unprovable or unreadable record stops the recovery of the lane."""

from collections.abc import Callable

import pytest
from aiokafka import ConsumerRecord
from samenspel.contracts.topics import INITIATIVES
from samenspel.messaging.recovery.lane_recovery import LaneReplay, NotRecoverable, recover_lane
from samenspel.messaging.recovery.replay import EventReplay

from tests.support.memory_log import Log, publish
from tests.support.service_schema import OPERATOR, Room, registered

Change = Callable[[ConsumerRecord], None]


def with_header(name: str, value: bytes) -> Change:
    def change(record: ConsumerRecord) -> None:
        headers = tuple((known, value if known == name else text) for known, text in record.headers)
        object.__setattr__(record, "headers", headers)

    return change


def with_value(value: bytes) -> Change:
    return lambda record: object.__setattr__(record, "value", value)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (with_header("ce_statedigest", b"%064x" % 7), "the digest is"),
        (with_header("ce_type", b"nl.samenspel.unknown.v1"), "not known to this version"),
        (with_header("ce_statedigest", b"none"), "no canonical event"),
        (with_value(b'{"title":"another"}'), "the digest is"),
    ],
    ids=["digest", "type", "no digest", "value"],
)
async def test_record_that_cannot_be_proven_or_read_stops_the_recovery(
    registry: Room, change: Change, reason: str
) -> None:
    log = Log()
    await registry.settle(registered())
    await publish(registry, log)
    [lane] = [name for name in log.partitions if name[0] == INITIATIVES]
    change(log.partitions[lane][0])
    await registry.clear()
    await registry.open_lanes(OPERATOR)
    async with registry.pool.acquire() as connection:
        with pytest.raises(NotRecoverable, match=reason):
            await recover_lane(connection, log, lane, LaneReplay(EventReplay(registry.handlers).apply))  # type: ignore[arg-type]
    assert await registry.rows("select * from aggregate") == []
