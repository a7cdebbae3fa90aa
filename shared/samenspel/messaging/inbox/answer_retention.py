"""Retention of answers: the details of a final answer are removed when the answer is older than the retention.

Identity, content hash, outcome and event ids stay for ever (`compact_answers`), so that a repeat is recognised and
decided once. An answer without details has no ``answered_at``.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import orjson

from samenspel.messaging.inbox.answers import SubmissionIdentity
from samenspel.messaging.inbox.compact_answers import compact, has_compact_form
from samenspel.runtime import failpoints
from samenspel.runtime.bulk_parameters import as_arrays
from samenspel.runtime.postgres import Connection

ROWS_MAX: Final = 500

# Deferred answers stay in the index: the next page begins after the last row of this page.
OLD: Final = """
select organisation, source, id, answer, answered_at,
  extract(epoch from statement_timestamp() - answered_at)::float8 as age
from submission
where answered_at >= $1 and answered_at < statement_timestamp() - $5::interval
  and (answered_at, organisation, source, id) > ($1, $2, $3, $4)
order by answered_at, organisation, source, id limit $6
"""
# Compares the former answer: a recovery may have stored another answer meanwhile.
COMPACT: Final = """
update submission s set answer = x.compact, answered_at = null
from unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::bytea[])
  as x (organisation, source, id, was, compact)
where (s.organisation, s.source, s.id) = (x.organisation, x.source, x.id) and s.answer = x.was
returning octet_length(x.was) - octet_length(x.compact) as bytes
"""

AnswerPlace = tuple[datetime, str, str, str]
"""``answered_at`` and identity of a stored answer: the order of `old_answers`."""
FIRST_PLACE: Final[AnswerPlace] = (datetime(1970, 1, 1, tzinfo=UTC), "", "", "")


class StoredAnswer(NamedTuple):
    """A stored answer with details that is older than the retention; ``age`` in seconds."""

    place: AnswerPlace
    answer: bytes
    age: float


async def old_answers(connection: Connection, after: AnswerPlace, retention: timedelta) -> Sequence[StoredAnswer]:
    """The next `ROWS_MAX` answers with details that are older than ``retention``, the oldest first."""
    failpoints.reached("answer-retention.old")
    rows = await connection.fetch(OLD, *after, retention, ROWS_MAX)
    return [StoredAnswer((row["answered_at"], *_identity(row)), row["answer"], row["age"]) for row in rows]


async def remove_details(connection: Connection, old: Sequence[StoredAnswer]) -> Sequence[int]:
    """Replace final answers by the compact form. Returns the freed bytes per answer; deferred answers stay."""
    rows = [(*each.place[1:], each.answer, short) for each in old if (short := _compact_form(each.answer))]
    if not rows:
        return []
    failpoints.reached("answer-retention.compact")
    freed = await connection.fetch(COMPACT, *as_arrays(sorted(rows), 5))
    return [row["bytes"] for row in freed]


def _identity(row: Any) -> SubmissionIdentity:
    return row["organisation"], row["source"], row["id"]


def _compact_form(stored: bytes) -> bytes | None:
    answer = orjson.loads(stored)
    return compact(answer) if has_compact_form(answer) else None
