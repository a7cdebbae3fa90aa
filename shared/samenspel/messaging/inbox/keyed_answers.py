"""The table `keyed_answer`: stored answers whose submission hash is an HMAC, and the keys that these answers need."""

from collections.abc import Mapping, Sequence
from typing import Any

from samenspel.contracts.submission_hashes import HashKeys, PublishedHash
from samenspel.messaging.inbox.answers import SubmissionIdentity
from samenspel.runtime.bulk_parameters import as_arrays
from samenspel.runtime.postgres import Connection

REMOVE = """
delete from keyed_answer
where (organisation, source, id) in (select * from unnest($1::text[], $2::text[], $3::text[]))
"""
INSERT = """
insert into keyed_answer (organisation, source, id, key_id)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[])
"""
# One index lookup per key, however many answers have the key.
NEEDED = """
with recursive needed as (
  (select key_id from keyed_answer order by key_id limit 1)
  union all
  select (select key_id from keyed_answer k where k.key_id > n.key_id order by k.key_id limit 1)
  from needed n where n.key_id is not null)
select key_id from needed where key_id is not null
"""


async def record_keys(connection: Connection, answers: Mapping[SubmissionIdentity, Mapping[str, Any]]) -> None:
    """Record the keys of stored answers; an answer with a plain hash needs no key."""
    await connection.execute(REMOVE, *as_arrays(sorted(answers), 3))
    hashes = {identity: PublishedHash.of(answer) for identity, answer in answers.items()}
    keyed = sorted((*identity, each.key_id) for identity, each in hashes.items() if each.key_id)
    await connection.execute(INSERT, *as_arrays(keyed, 4))


async def missing_keys(connection: Connection, keys: HashKeys) -> Sequence[str]:
    """Ids of the keys that stored answers need and ``keys`` does not know."""
    rows = await connection.fetch(NEEDED)
    return [row["key_id"] for row in rows if not keys.knows(row["key_id"])]
