"""The table `submission`: the first answer to each submission, by identity, for idempotent receiving."""

from collections.abc import Sequence

from samenspel.contracts.submissions import Submission
from samenspel.messaging.inbox.answers import (
    FirstAnswer,
    RenderedAnswer,
    SubmissionIdentity,
    identity,
    read_first_answer,
)
from samenspel.runtime import failpoints
from samenspel.runtime.bulk_parameters import as_arrays, as_joined_texts
from samenspel.runtime.postgres import Connection, Pool

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
update submission s set answer = convert_to(x.answer, 'UTF8')
from unnest(string_to_array($1, chr(30)), string_to_array($2, chr(30)), string_to_array($3, chr(30)),
            string_to_array($4, chr(30))) as x (organisation, source, id, answer)
where (s.organisation, s.source, s.id) = (x.organisation, x.source, x.id)
"""
LOOK_UP = "select answer from submission where (organisation, source, id) = ($1, $2, $3)"
DELETE = """
delete from submission where (organisation, source, id) in (select * from unnest($1::text[], $2::text[], $3::text[]))
"""


async def load(connection: Connection, submissions: Sequence[Submission]) -> dict[SubmissionIdentity, FirstAnswer]:
    """The stored first answers to these submissions. Requires the lane locks."""
    if not submissions:
        return {}
    failpoints.reached("answers.load")
    rows = await connection.fetch(LOAD, *as_joined_texts([identity(each) for each in submissions], 3))
    return {(row["organisation"], row["source"], row["id"]): read_first_answer(row["answer"]) for row in rows}


async def insert_new(connection: Connection, answered: Sequence[tuple[Submission, RenderedAnswer]]) -> bool:
    """Store first answers. False if another transaction stored any of them first: the caller must roll back."""
    rows = sorted((*identity(submission), answer.json) for submission, answer in answered)
    if not rows:
        return True
    failpoints.reached("answers.insert")
    done = await connection.execute(INSERT_NEW, *as_joined_texts(rows, 4))
    return done == f"INSERT 0 {len(rows)}"


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


async def look_up(pool: Pool, identity: SubmissionIdentity) -> bytes | None:
    """The stored answer to a submission, None for an unknown submission."""
    answer: bytes | None = await pool.fetchval(LOOK_UP, *identity)
    return answer
