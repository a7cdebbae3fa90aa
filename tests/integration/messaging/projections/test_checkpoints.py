"""A projection and the checkpoint are committed together."""

from samenspel.contracts.topics import INITIATIVES
from samenspel.messaging.projections import checkpoints
from samenspel.messaging.projections.projector import Projector

from tests.support.crash import deaths_of
from tests.support.lane_owner import Owner
from tests.support.memory_log import Log, Reader, as_read
from tests.support.service_schema import Room


async def test_projection_and_checkpoint_are_committed_together(registry: Room) -> None:
    owner = Owner()
    records = [as_read(owner.publish(subject)) for subject in ("a", "b", "a")]
    async with registry.pool.acquire() as connection:
        await checkpoints.load(connection, [(INITIATIVES, 0)])

    async def attempt() -> bool:
        reader = Reader()
        await Projector(registry.pool, Log(), lambda number: None)(reader, records)  # type: ignore[arg-type]
        return not reader.reopened

    reached = await deaths_of(registry, attempt)
    assert {"checkpoints.lock", "projector.save", "checkpoints.save", "projector.commit"} <= set(reached)
    [position] = await registry.rows("select * from checkpoint")
    assert (position["sequence"], int.from_bytes(position["digest"], "big")) == (3, owner.digest)
