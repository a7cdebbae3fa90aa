"""First answers: stored once, replaced by the final answer, deleted after a failed decision."""

import pytest
from samenspel.contracts.submission_hashes import PublishedHash
from samenspel.contracts.submissions import Submission
from samenspel.messaging.errors import Fenced
from samenspel.messaging.inbox import answer_store
from samenspel.messaging.inbox.answers import Deferred, Refused, RenderedAnswer, identity, render
from samenspel.runtime.postgres import Connection
from samenspel.runtime.write_together import write_together

from tests.support.service_schema import NOON, Room, registered


def answered(submission: Submission) -> tuple[Submission, RenderedAnswer]:
    return submission, render(submission, Deferred(("organisation.v1", "x"), NOON, NOON))


async def insert(connection: Connection, *given: tuple[Submission, RenderedAnswer]) -> None:
    await write_together(connection, list(answer_store.answer_writes(given)))


async def outcome_of(room: Room, submission: Submission) -> str | None:
    async with room.pool.acquire() as connection:
        found = (await answer_store.load(connection, [submission])).get(identity(submission))
    return found.outcome if found else None


async def test_first_answer_is_stored_with_the_content_hash(registry: Room) -> None:
    stated, other = registered(), registered()
    async with registry.pool.acquire() as connection:
        await insert(connection, answered(stated))
        known = await answer_store.load(connection, [stated, other])
    assert {each: first.submissionhash for each, first in known.items()} == {
        identity(stated): PublishedHash(stated.hash.hex())
    }


async def test_second_first_answer_is_told_apart_and_changes_nothing(registry: Room) -> None:
    stated, other = registered(), registered()
    async with registry.pool.acquire() as connection:
        await insert(connection, answered(stated))
        with pytest.raises(Fenced):
            await insert(connection, answered(other), (stated, render(stated, Refused([]))))
    assert await outcome_of(registry, stated) == "deferred"


async def test_final_answer_replaces_a_deferred_one(registry: Room) -> None:
    stated = registered()
    async with registry.pool.acquire() as connection:
        await insert(connection, answered(stated))
        await answer_store.replace(connection, [(stated, render(stated, Refused([])))])
    assert await outcome_of(registry, stated) == "rejected"


async def test_deleted_answer_leaves_its_id_free(registry: Room) -> None:
    stated = registered()
    async with registry.pool.acquire() as connection:
        await insert(connection, answered(stated))
        await answer_store.delete(connection, [identity(stated)])
        await insert(connection, answered(stated))
