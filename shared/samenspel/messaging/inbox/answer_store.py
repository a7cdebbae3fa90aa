"""The table of first answers."""

from collections.abc import Sequence

from samenspel.contracts.submissions import Submission
from samenspel.messaging.inbox.answers import RenderedAnswer, SubmissionIdentity, identity
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


async def load(connection: Connection, submissions: Sequence[Submission]) -> dict[SubmissionIdentity, bytes]:
    """The answers that these submissions had before; to be called after the lane locks."""
    if not submissions:
        return {}
    failpoints.reached("answers.known")
    rows = await connection.fetch(LOAD, *as_joined_texts([identity(each) for each in submissions], 3))
    return {(row["organisation"], row["source"], row["id"]): row["answer"] for row in rows}


async def insert_new(connection: Connection, answered: Sequence[tuple[Submission, RenderedAnswer]]) -> bool:
    """Keep the first answers. False when another transaction kept one of them first: this one must then end."""
    rows = sorted((*identity(to), given.json) for to, given in answered)
    if not rows:
        return True
    failpoints.reached("answers.remember")
    done = await connection.execute(INSERT_NEW, *as_joined_texts(rows, 4))
    return done == f"INSERT 0 {len(rows)}"


async def replace(connection: Connection, to: Submission, given: RenderedAnswer) -> None:
    """The final answer to a submission that was deferred."""
    failpoints.reached("answers.revise")
    await connection.execute(REPLACE, *identity(to), given.json)


async def delete(connection: Connection, whose: SubmissionIdentity) -> None:
    """It was deferred, and could not be decided: sent again or retried, it is a new one."""
    failpoints.reached("answers.forget")
    await connection.execute(DELETE, *whose)
