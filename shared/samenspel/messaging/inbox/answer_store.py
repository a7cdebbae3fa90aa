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
from samenspel.runtime.bulk_parameters import as_joined_texts
from samenspel.runtime.postgres import Connection

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
REPLACE = "update submission set answer = $4 where (organisation, source, id) = ($1, $2, $3)"
DELETE = "delete from submission where (organisation, source, id) = ($1, $2, $3)"


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


async def replace(connection: Connection, submission: Submission, answer: RenderedAnswer) -> None:
    """Store the final answer to a deferred submission."""
    failpoints.reached("answers.replace")
    await connection.execute(REPLACE, *identity(submission), answer.json)


async def delete(connection: Connection, identity: SubmissionIdentity) -> None:
    """Delete the answer to a deferred submission after failed processing: sender and operator may then retry."""
    failpoints.reached("answers.delete")
    await connection.execute(DELETE, *identity)
