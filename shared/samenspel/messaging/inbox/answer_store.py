"""The table `submission`: the first answer to each submission, by identity, for idempotent receiving."""

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from samenspel.contracts.submissions import Submission
from samenspel.messaging.errors import Fenced
from samenspel.messaging.inbox.answers import (
    FirstAnswer,
    RenderedAnswer,
    SubmissionIdentity,
    identity,
    read_first_answer,
)
from samenspel.messaging.inbox.compact_answers import EventPosition, is_compact, read_compact
from samenspel.runtime import failpoints
from samenspel.runtime.bulk_parameters import as_arrays, as_joined_texts
from samenspel.runtime.postgres import Connection, Pool
from samenspel.runtime.write_together import Write

LOAD = """
select organisation, source, id, answer from submission
where (organisation, source, id) in (
  select * from unnest(string_to_array($1, chr(30)), string_to_array($2, chr(30)), string_to_array($3, chr(30))))
"""
INSERT_NEW = """
insert into submission (organisation, source, id, answer)
select x.organisation, x.source, x.id, convert_to(x.answer, 'UTF8')
from unnest(string_to_array($1, chr(30)), string_to_array($2, chr(30)), string_to_array($3, chr(30)),
            string_to_array($4, chr(30))) as x (organisation, source, id, answer)
on conflict do nothing
"""
REPLACE = """
update submission s set answer = convert_to(x.answer, 'UTF8'), answered_at = now()
from unnest(string_to_array($1, chr(30)), string_to_array($2, chr(30)), string_to_array($3, chr(30)),
            string_to_array($4, chr(30))) as x (organisation, source, id, answer)
where (s.organisation, s.source, s.id) = (x.organisation, x.source, x.id)
"""
LOOK_UP = "select answer from submission where (organisation, source, id) = ($1, $2, $3)"
EVENT_TYPES = """
select x.topic, x.lane, x.timeline, x.sequence,
  substring(convert_from(j.headers, 'UTF8') from '\nce_type:([^\n]*)\n') as type
from unnest($1::text[], $2::int[], $3::int[], $4::bigint[]) as x (topic, lane, timeline, sequence)
join journal j using (topic, lane, timeline, sequence)
"""
DELETE = """
delete from submission where (organisation, source, id) in (select * from unnest($1::text[], $2::text[], $3::text[]))
"""


async def load(connection: Connection, submissions: Sequence[Submission]) -> dict[SubmissionIdentity, FirstAnswer]:
    """The stored first answers to these submissions. Requires the lane locks."""
    if not submissions:
        return {}
    failpoints.reached("answers.load")
    rows = await connection.fetch(LOAD, *as_joined_texts([identity(each) for each in submissions], 3))
    found = await members(connection, [row["answer"] for row in rows])
    return {
        (row["organisation"], row["source"], row["id"]): read_first_answer(answer)
        for row, answer in zip(rows, found, strict=True)
    }


def answer_writes(answered: Sequence[tuple[Submission, RenderedAnswer]]) -> Iterator[Write]:
    """The write of first answers. Raises `Fenced` if another transaction stored any of them first."""
    rows = sorted((*identity(submission), answer.json) for submission, answer in answered)
    if rows:
        fenced = Fenced("another transaction answered one of these submissions first")
        yield Write(INSERT_NEW, as_joined_texts(rows, 4), len(rows), fenced)


async def replace(connection: Connection, answered: Sequence[tuple[Submission, RenderedAnswer]]) -> None:
    """Store later answers to deferred submissions."""
    rows = sorted((*identity(submission), answer.json) for submission, answer in answered)
    if rows:
        failpoints.reached("answers.replace")
        await connection.execute(REPLACE, *as_joined_texts(rows, 4))


async def delete(connection: Connection, identities: Sequence[SubmissionIdentity]) -> None:
    """Delete answers to deferred submissions that are not decided for good: sender and operator may then retry."""
    if identities:
        failpoints.reached("answers.delete")
        await connection.execute(DELETE, *as_arrays(sorted(identities), 3))


async def look_up(pool: Pool, identity: SubmissionIdentity) -> dict[str, Any] | None:
    """The members of the stored answer to a submission, None for an unknown submission."""
    async with pool.acquire() as connection:
        stored = await connection.fetchval(LOOK_UP, *identity)
        if stored is None:
            return None
        [answer] = await members(connection, [stored])
    return {"source": identity[1], "id": identity[2], **answer}


async def members(connection: Connection, stored: Sequence[bytes]) -> list[dict[str, Any]]:
    """The members of these stored answers. An answer without details has neither source nor id, and no record."""
    short = {each: read_compact(each) for each in stored if is_compact(each)}
    types = await _event_types(connection, [event[0] for each in short.values() for event in each.events])
    return [short[each].members(types) if each in short else orjson.loads(each) for each in stored]


async def _event_types(connection: Connection, positions: Sequence[EventPosition]) -> dict[EventPosition, str]:
    if not positions:
        return {}
    failpoints.reached("answers.event-types")
    rows = await connection.fetch(EVENT_TYPES, *as_arrays(sorted(set(positions)), 4))
    return {EventPosition(*tuple(row)[:4]): row["type"] for row in rows}
