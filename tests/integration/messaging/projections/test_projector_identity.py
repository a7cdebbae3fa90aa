"""A following service recognises the lanes of others by the identity in its checkpoint."""

from typing import Any

from aiokafka import TopicPartition
from samenspel.contracts.topics import INITIATIVES
from samenspel.messaging.projections import checkpoints
from samenspel.messaging.projections.batch import OTHER_LANE, Divergence
from samenspel.messaging.projections.projector import Projector

from tests.support.lane_owner import Owner
from tests.support.memory_log import Log, Reader, as_read
from tests.support.service_schema import Room

LANE = INITIATIVES, 0
PARTITION = TopicPartition(*LANE)


def log_of(*owners: Owner) -> Log:
    log = Log()
    for owner in owners:
        for record in owner.log:
            log.append(*record.place, record.named, record.data)
    return log


async def follow(room: Room, owner: Owner) -> Projector:
    """A starting service reads the log of the owner from the offset of its checkpoint."""
    log = log_of(owner)
    projector = Projector(room.pool, log, lambda events: None)  # type: ignore[arg-type]  # lists for Kafka
    async with room.pool.acquire() as connection:
        await projector.refresh_diverged(connection)
    start: Any = (await projector.resume_offsets([PARTITION]))[PARTITION]
    if records := [as_read(record) for record in owner.log[start:]]:
        await projector(Reader(), records)  # type: ignore[arg-type]
    return projector


def published(*subjects: str) -> Owner:
    owner = Owner()
    for subject in subjects:
        owner.publish(subject)
    return owner


async def stored(room: Room) -> tuple[int, str | None, str | None]:
    """Sequence, identity and divergence in the checkpoint."""
    [row] = await room.rows("select sequence, identity, divergence from checkpoint")
    return row["sequence"], row["identity"], row["divergence"]


async def test_lane_of_another_system_is_diverged_until_the_known_lane_is_back(registry: Room) -> None:
    owner, other = published("a", "b", "c"), published("x")
    await follow(registry, owner)
    assert await stored(registry) == (3, owner.identity, None)
    for _ in range(2):  # Also after a restart of the service.
        assert (await follow(registry, other)).diverged == {LANE: Divergence(1, OTHER_LANE)}
        assert await stored(registry) == (3, owner.identity, OTHER_LANE)
        other.publish("y")
    owner.publish("d")
    assert (await follow(registry, owner)).diverged == {}
    assert await stored(registry) == (4, owner.identity, None)


async def test_log_with_another_event_at_the_last_offset_is_read_from_its_start(registry: Room) -> None:
    await follow(registry, published("a", "b"))
    assert (await follow(registry, published("x", "y", "z"))).diverged == {LANE: Divergence(1, OTHER_LANE)}


async def test_another_event_at_the_last_offset_of_the_known_lane_is_named(registry: Room) -> None:
    owner = published("a", "b")
    await follow(registry, owner)
    other = Owner(identity=owner.identity)
    other.append(owner.log[0].named, owner.log[0].data)
    other.sequence, other.digest, other.hashes = 1, owner_digest_after_one(owner), {}
    other.publish("x")
    other.publish("y")
    reason = "event 2 in the log is not the event applied here"
    assert (await follow(registry, other)).diverged == {LANE: Divergence(2, reason)}


def owner_digest_after_one(owner: Owner) -> int:
    return int(dict(owner.log[0].named)["ce_statedigest"], 16)


async def test_checkpoint_of_the_version_before_learns_the_identity_from_its_own_log(registry: Room) -> None:
    owner = published("a", "b")
    await follow(registry, owner)
    await registry.pool.execute("update checkpoint set identity = null")
    assert (await follow(registry, published("x", "y"))).diverged, "another log teaches nothing"
    assert (await stored(registry))[1] is None
    await follow(registry, owner)
    assert (await stored(registry))[1] == owner.identity


async def test_stored_identity_is_never_replaced(registry: Room) -> None:
    owner = published("a")
    await follow(registry, owner)
    await checkpoints.adopt(registry.pool, LANE, "another")
    assert (await stored(registry))[1] == owner.identity


async def test_lane_with_the_same_states_is_of_another_system_all_the_same(registry: Room) -> None:
    """The systems were filled alike: positions, offsets and digests are equal."""
    owner, other = Owner(), Owner()
    for each in (owner, other):
        each.publish("a", value=b'{"title":"the same"}')
        each.publish("b", value=b'{"title":"the same"}')
    await follow(registry, owner)
    assert (await follow(registry, other)).diverged == {LANE: Divergence(1, OTHER_LANE)}


async def test_cut_log_of_the_known_lane_is_continued(registry: Room) -> None:
    owner = published("a", "b")
    await follow(registry, owner)
    owner.publish("c")
    log = log_of(owner)
    log.partitions[LANE][0] = log.partitions[LANE][1]  # The first record expired.
    projector = Projector(registry.pool, log, lambda events: None)  # type: ignore[arg-type]
    assert await projector.resume_offsets([PARTITION]) == {PARTITION: 2}
