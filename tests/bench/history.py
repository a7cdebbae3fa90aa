"""A history for growth measurements: rows of equal width in the same tables and indexes, written by PostgreSQL.

The rows are no real events: the timeline is 0, unused by any lane, so nothing is published or reconciled. Later
measurements meet indexes and files of realistic size.
"""

import asyncpg
from samenspel.contracts.topics import INITIATIVES, LANES_LOCAL

from tests.bench.harness import ORGANISATIONS, Stand

CHUNK = 200_000
EVENTS_PER_INITIATIVE = 5

JOURNAL = """
insert into journal (topic, lane, timeline, sequence, key, headers, value)
select $1, n % $2, 0, n, md5(n::text)::uuid::text, repeat(md5(n::text), 26)::bytea,
       repeat(md5((n + 1)::text), 15)::bytea
from generate_series($3::bigint, $4::bigint) n
"""
SUBMISSION = """
insert into submission (organisation, source, id, answer)
select o, 'urn:nld:oin:' || o || ':systeem:bench', md5('s' || n::text)::uuid::text, repeat(md5(n::text), 14)::bytea
from generate_series($2::bigint, $3::bigint) n, lateral (select ($1::text[])[1 + n % cardinality($1::text[])] as o) x
"""
AGGREGATE = """
insert into aggregate (aggregate, subject, topic, lane, value, hash)
select 'initiative.v1', md5('a' || n::text)::uuid::text, $1, n % $2, repeat(md5(n::text), 15)::bytea,
       sha256(n::text::bytea)
from generate_series($3::bigint, $4::bigint) n
"""
INDEX = """
insert into initiative_index (initiative_id, lead, theme, phase)
select md5('a' || n::text)::uuid::text, ($1::text[])[1 + n % cardinality($1::text[])], 'mobility', 'pilot'
from generate_series($2::bigint, $3::bigint) n
"""


async def grow(stand: Stand, already: int, until: int) -> None:
    """Extend the registry's tables from ``already`` to ``until`` events of history, and update planner statistics."""
    connection = await asyncpg.connect(stand.system.databases.dsn_with_password("registry"))
    try:
        for first in range(already + 1, until + 1, CHUNK):
            last = min(first + CHUNK - 1, until)
            await connection.execute(JOURNAL, INITIATIVES, LANES_LOCAL, first, last)
            await connection.execute(SUBMISSION, ORGANISATIONS, first, last)
            begin, end = first // EVENTS_PER_INITIATIVE + 1, last // EVENTS_PER_INITIATIVE
            await connection.execute(AGGREGATE, INITIATIVES, LANES_LOCAL, begin, end)
            await connection.execute(INDEX, ORGANISATIONS, begin, end)
        await connection.execute("vacuum analyze")
    finally:
        await connection.close()
