"""Foreign records at the end of a lane are not read again at every start, and no event is ever skipped for them."""

from aiokafka import TopicPartition
from samenspel.contracts.topics import INITIATIVES
from samenspel.messaging.projections.projector import Projector

from tests.support.lane_owner import Owner
from tests.support.memory_log import APPENDED_AT, Log, Reader
from tests.support.service_schema import Room

LANE = INITIATIVES, 0
PARTITION = TopicPartition(*LANE)


def log_of(owner: Owner, appended: int = APPENDED_AT) -> Log:
    log = Log()
    for record in owner.log:
        log.append(*record.place, record.named, record.data, appended + record.offset())
    return log


def foreign(owner: Owner, number: int) -> None:
    for _ in range(number):
        owner.append([], b"foreign")


async def start(room: Room, log: Log) -> int:
    """A starting service reads the whole log; returns the offset at which the service begins."""
    projector = Projector(room.pool, log, lambda events: None)  # type: ignore[arg-type]  # lists for Kafka
    offset = (await projector.resume_offsets([PARTITION]))[PARTITION]
    assert isinstance(offset, int)
    if records := log.partitions.get(LANE, [])[offset:]:
        await projector(Reader(), records)  # type: ignore[arg-type]
    return offset


async def sequence(room: Room) -> int:
    return int(await room.pool.fetchval("select sequence from checkpoint"))


async def test_foreign_records_are_read_once(registry: Room) -> None:
    owner = Owner()
    owner.publish()
    foreign(owner, 5)
    assert await start(registry, log_of(owner)) == 0
    assert await start(registry, log_of(owner)) == 6
    foreign(owner, 2)
    owner.publish()
    assert await start(registry, log_of(owner)) == 6
    assert await sequence(registry) == 2
    assert await start(registry, log_of(owner)) == 9


async def test_lane_with_foreign_records_only_is_read_once(registry: Room) -> None:
    owner = Owner()
    foreign(owner, 5)
    assert [await start(registry, log_of(owner)) for _ in range(2)] == [0, 5]


async def test_lane_stays_diverged_after_a_start_until_its_next_event(registry: Room) -> None:
    owner = Owner()
    foreign(owner, 5)
    for _ in range(2):
        await start(registry, log_of(owner))
        assert await registry.pool.fetchval("select divergence from checkpoint")
    owner.publish()
    await start(registry, log_of(owner))
    assert await registry.pool.fetchval("select divergence from checkpoint") is None


async def test_event_that_does_not_fit_is_read_again(registry: Room) -> None:
    """A later version, or the repaired projection, may be able to apply the event."""
    owner = Owner()
    owner.publish()
    foreign(owner, 1)
    skipped = Owner(identity=owner.identity, sequence=5)
    event = skipped.publish()
    owner.append(event.named, event.data)
    foreign(owner, 3)
    assert [await start(registry, log_of(owner)) for _ in range(2)] == [0, 1]


async def test_record_that_a_later_version_can_read_is_read_again(registry: Room) -> None:
    owner = Owner()
    owner.publish()
    event = owner.publish()
    foreign(owner, 2)
    later = log_of(owner)
    owner.log[1] = type(event)(event.place, 1, [], b"unreadable so far")
    assert [await start(registry, log_of(owner)) for _ in range(2)] == [0, 4]
    assert await start(registry, later) == 1
    assert await sequence(registry) == 2


async def test_log_that_was_created_again_is_not_skipped(registry: Room) -> None:
    """The records have the same offsets, and other times."""
    owner, other = Owner(), Owner()
    foreign(owner, 3)
    await start(registry, log_of(owner))
    for _ in range(4):
        other.publish()
    assert await start(registry, log_of(other, APPENDED_AT + 1_000)) == 0
    assert await sequence(registry) == 4
    assert await registry.rows("select * from foreign_records") == []
