"""The table of first answers."""

from collections.abc import Sequence

from samenspel.contracts.submissions import Submission
from samenspel.messaging.inbox.answers import Answered, Identity, identity
from samenspel.runtime import failpoints
from samenspel.runtime.bulk_parameters import joined
from samenspel.runtime.postgres import Connection

KNOWN = """
select organisation, source, id, answer from submission
where (organisation, source, id) in (
  select * from unnest(string_to_array($1, chr(30)), string_to_array($2, chr(30)), string_to_array($3, chr(30))))
"""


REMEMBER = """
insert into submission (organisation, source, id, answer)
select x.organisation, x.source, x.id, convert_to(x.answer, 'UTF8')
from unnest(string_to_array($1, chr(30)), string_to_array($2, chr(30)), string_to_array($3, chr(30)),
            string_to_array($4, chr(30))) as x (organisation, source, id, answer)
on conflict do nothing
"""


REVISE = "update submission set answer = $4 where (organisation, source, id) = ($1, $2, $3)"


FORGET = "delete from submission where (organisation, source, id) = ($1, $2, $3)"


async def known(connection: Connection, submissions: Sequence[Submission]) -> dict[Identity, bytes]:
    """The answers that these submissions had before; to be called after the lane locks."""
    if not submissions:
        return {}
    failpoints.reached("answers.known")
    rows = await connection.fetch(KNOWN, *joined([identity(each) for each in submissions], 3))
    return {(row["organisation"], row["source"], row["id"]): row["answer"] for row in rows}


async def remember(connection: Connection, answered: Sequence[tuple[Submission, Answered]]) -> bool:
    """Keep the first answers. False when another transaction kept one of them first: this one must then end."""
    rows = sorted((*identity(to), given.json) for to, given in answered)
    if not rows:
        return True
    failpoints.reached("answers.remember")
    done = await connection.execute(REMEMBER, *joined(rows, 4))
    return done == f"INSERT 0 {len(rows)}"


async def revise(connection: Connection, to: Submission, given: Answered) -> None:
    """The final answer to a submission that was deferred."""
    failpoints.reached("answers.revise")
    await connection.execute(REVISE, *identity(to), given.json)


async def forget(connection: Connection, whose: Identity) -> None:
    """It was deferred, and could not be decided: sent again or retried, it is a new one."""
    failpoints.reached("answers.forget")
    await connection.execute(FORGET, *whose)
