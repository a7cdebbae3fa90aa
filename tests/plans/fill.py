"""A long history in every table: 1,000 organisations, 48 canonical lanes. PostgreSQL writes all rows.

The tables of all services lie in one schema. Active work does not grow with the number of rows: lagging lanes and
cursors, and due deliveries, are as many at every size. ``$1`` is the number of rows.
"""

from typing import Final

from samenspel.contracts.topics import CANONICAL

ORGANISATIONS: Final = 1_000
LANES: Final = 12
"""Lanes of a canonical topic, as in production."""
FUNCTIONS: Final = f"""
create function oin(n bigint) returns text language sql immutable as $$ select lpad(n::text, 20, '0') $$;
create function uid(kind text, n bigint) returns text language sql immutable as
  $$ select md5(kind || n)::uuid::text $$;
create function canonical(n bigint) returns text language sql immutable as
  $$ select ('{{{",".join(CANONICAL)}}}'::text[])[1 + n % {len(CANONICAL)}] $$;
create function lane_of(n bigint) returns int language sql immutable as
  $$ select (n / {len(CANONICAL)} % {LANES})::int $$;
create function receipts_of(n bigint) returns text language sql immutable as
  $$ select 'samenspel.receipts.initiatives.' || oin(n) $$;
create function event_headers(n bigint, at text) returns bytea language sql immutable as $$
  select convert_to(E'ce_id:' || n || E'\\nce_time:' || at
    || E'\\nce_type:nl.samenspel.initiative-changed.v1\\nce_timeline:1\\n', 'UTF8') $$;
create function days_ago(days int) returns text language sql stable as $$
  select to_char(now() - make_interval(days => days), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') $$;
"""
"""Values by number. The functions stay in the schema of the history."""

FILLS: Final = {
    "lane": """
insert into lane (topic, lane, sequence, reconciled)
select canonical(n), lane_of(n), $1 / 96, (select incarnation()) from generate_series(0, 47) n
union all select receipts_of(n), 0, $1 / 2000, (select incarnation()) from generate_series(0, $1 - 49) n
""",
    "journal": """
insert into journal (topic, lane, timeline, sequence, key, headers, value)
select canonical(n), lane_of(n), 1, n / 48 + 1, uid('i', n), event_headers(n, (select days_ago(1))), '{}'::bytea
from generate_series(0, $1 / 2 - 1) n
union all
select receipts_of(n % 1000), 0, 1, n / 1000 + 1, uid('x', n), event_headers(n, (select days_ago(91))), '{}'::bytea
from generate_series(0, $1 / 2 - 1) n
""",
    "relay_progress": """
insert into relay_progress (topic, lane, sequence, next_offset)
select topic, lane, sequence - case when topic like 'samenspel.receipts%' then 0 else 10 end, sequence from lane
where $1 > 0
""",
    "journal_start": """
insert into journal_start (topic, lane, removed)
select receipts_of(n), 0, 1 from generate_series(1000, $1 + 999) n
""",
    "aggregate": """
insert into aggregate (aggregate, subject, topic, lane, value, hash, private)
select 'organisation.v1', oin(n), 'samenspel.organisations', n % 12, '{}'::bytea, sha256(''), null::bytea
from generate_series(0, 999) n where $1 > 0
union all
select kind, uid(left(kind, 1), n), topic, n % 12, '{}'::bytea, sha256(''),
  case kind when 'application.v1' then convert_to('{"initiative_id":"' || uid('i', n) || '"}', 'UTF8') end
from (values ('initiative.v1', 'samenspel.initiatives', 4), ('application.v1', 'samenspel.funding', 2),
             ('programme.v1', 'samenspel.funding', 1), ('rollout.v1', 'samenspel.initiatives', 1),
             ('subscription.v2', 'samenspel.notifications', 2)) as k (kind, topic, tenths),
  generate_series(0, $1 * tenths / 10 - 1) n
""",
    "projection": """
insert into projection (aggregate, subject, topic, lane, value, hash)
select 'organisation.v1', oin(n), 'samenspel.organisations', n % 12, '{}'::bytea, sha256('')
from generate_series(0, 999) n where $1 > 0
union all
select kind, uid(left(kind, 1), n), topic, n % 12, '{}'::bytea, sha256('')
from (values ('initiative.v1', 'samenspel.initiatives'), ('programme.v1', 'samenspel.funding')) as k (kind, topic),
  generate_series(0, $1 / 2 - 1) n
""",
    "checkpoint": """
insert into checkpoint (topic, lane, sequence, last_offset, identity, read_offset, read_appended_at)
select canonical(n), lane_of(n), $1 / 48, $1, uid('e', n), $1 + 1, 1 from generate_series(0, 47) n
""",
    "foreign_records": """
insert into foreign_records (topic, lane, first_offset, next_offset, records)
select canonical(n), lane_of(n), n / 48 * 10, n / 48 * 10 + 5, 5 from generate_series(0, 48 * 90 - 1) n where $1 > 0
""",
    "ingress_offset": """
insert into ingress_offset (topic, next_offset, appended_at)
select 'samenspel.in.initiatives.' || oin(n), 1000, 1 from generate_series(0, $1 - 1) n
""",
    "submission": """
insert into submission (organisation, source, id, answer, answered_at)
select oin(n % 1000), 'urn:x', uid('x', n), '{"outcome":"deferred"}',
  case when n % 2 = 0 then now() - interval '91 days' - n * interval '1 second' end
from generate_series(0, $1 - 1) n
""",
    "deferral": """
insert into deferral (topic, lane, subject, organisation, needs_aggregate, needs_subject, after_deferral, deadline,
                      source, id, type, hash, data, received_at, record, correlationid, traceparent)
select 'samenspel.funding', q % 12, uid('a', q), oin(q % 1000), 'organisation.v1', oin(n % 5000),
  n % 3 = 2, now() + case when n < 500 then interval '-1 hour' else interval '5 days' end, 'urn:x', uid('x', n),
  'nl.samenspel.application-submitted.v1', '', '', now(), 'http', '', ''
from generate_series(0, $1 - 1) n, lateral (select case when n % 10 = 0 then 0 else n / 3 end as q) x
""",
    "quarantine": """
insert into quarantine (topic, lane, "offset", appended_at, reason, detail, value)
select 'samenspel.in.initiatives.' || oin(n % 1000), 0, n, 1, 'reason ' || n % 3, 'detail', ''
from generate_series(1, $1) n
""",
    "open_quarantine": """
insert into open_quarantine (number, reason)
select n, 'reason ' || n % 3 from generate_series($1 - 499, $1) n
""",
    "quarantine_action": """
insert into quarantine_action (record, action, operator, why, outcome, detail)
select n, 'discard', oin(1), 'why', 'discarded', '' from generate_series(1, $1 - 500) n
union all select n, 'retry', oin(1), '', 'failed', '' from generate_series(1, 500) n
""",
    "storage_use": """
insert into storage_use (organisation, bytes, updated_at)
select oin(n), 10000000, now() - case when n < 50 then interval '0' else interval '9 days' end
from generate_series(0, $1 - 1) n
""",
    "keyed_answer": """
insert into keyed_answer (organisation, source, id, key_id)
select oin(n % 1000), 'urn:x', uid('x', n), 'key ' || n % 3 from generate_series(0, $1 - 1) n
""",
    "lane_action": """
insert into lane_action (action, operator, why, detail)
select 'recover', oin(1), '', '' from generate_series(1, $1) n
""",
    "initiative_index": """
insert into initiative_index (initiative_id, lead, theme, phase)
select uid('i', n), oin(n % 1000),
  case when n % 2000 = 0 then 'rare' else (array['mobility', 'housing', 'energy', 'health'])[1 + n % 4] end,
  case when n % 3000 = 0 then 'rare' else (array['idea', 'pilot', 'scaling', 'established'])[1 + n / 4 % 4] end
from generate_series(0, $1 * 4 / 10 - 1) n
""",
    "budget": """
insert into budget (programme_id, ceiling_cents) select uid('p', n), 1000000 from generate_series(0, $1 / 10 - 1) n
""",
    "application_index": """
insert into application_index (application_id, programme_id)
select uid('a', n), uid('p', case when n % 10 = 0 then 0 else n % ($1 / 10) end)
from generate_series(0, $1 * 2 / 10 - 1) n
""",
    "feed": """
insert into feed (topic, lane, timeline, sequence, id, type, subject, aggregate, organisation, headers, value,
                  log_offset)
select canonical(n), lane_of(n), 1, n / 48 + 1, uid('e', n), 'nl.samenspel.initiative-changed.v1',
  uid('i', n % ($1 * 4 / 10)), 'initiative.v1', oin(n % 1000), event_headers(n, (select days_ago(1))), '{}'::bytea,
  n / 48
from generate_series(0, $1 - 1) n
""",
    "endpoint": """
insert into endpoint (organisation, subscription_id, url, secret, made_at)
select oin(n % 1000), uid('s', n), 'https://city.example/', '', now() - interval '2 days'
from generate_series(0, $1 * 2 / 10 - 1) n
""",
    "replaced_secret": """
insert into replaced_secret (organisation, subscription_id, secret, ends_at)
select oin(n % 1000), uid('s', n), n::text,
  now() + case when n < 100 then interval '-1 hour' else interval '1 day' end
from generate_series(0, $1 * 2 / 10 - 1) n
""",
    "idempotency_key": """
insert into idempotency_key (organisation, key, request, made_at)
select oin(n % 1000), n::text, sha256(''), now() - case when n < 500 then interval '2 days' else interval '1 hour' end
from generate_series(0, $1 - 1) n
""",
    "subscription": """
insert into subscription (subscription_id, organisation, types, delivery, active, resume_at, gone)
select uid('s', n), oin(n % 1000), '{}', case when n % 2 = 0 then 'push' else 'pull' end, n < $1 / 48,
  case when n < 20 then '-infinity' else now() + interval '1 hour' end, n % 1000 = 998
from generate_series(0, $1 * 2 / 10 - 1) n
""",
    "subscription_cursor": """
insert into subscription_cursor (subscription_id, topic, lane, sequence, pull)
select uid('s', n), canonical(l), lane_of(l),
  case when n % 2 = 1 then 0 when n < 8 or n % 1000 = 998 then $1 / 48 - 20 else $1 / 48 end, n % 2 = 1
from generate_series(0, $1 / 48 - 1) n, generate_series(0, 47) l
""",
    "delivery": """
insert into delivery (subscription_id, topic, lane, timeline, sequence, subject, attempts, due_at)
select uid('s', n / 1000 * 2), 'samenspel.initiatives', n % 12, 1, n % 1000 / 12 + 1, uid('i', n % 300),
  case when n >= 10000 then 1 else 0 end,
  case when n % 1000 >= 300 then 'infinity'
       when n >= 10000 then now() + interval '1 hour' else now() - interval '1 minute' end
from generate_series(0, $1 - 1) n
""",
    "attempt": """
insert into attempt (subscription_id, event_id, attempted_at, seconds, status)
select uid('s', n % ($1 / 48)), uid('e', n),
  now() - case when n < 500 then interval '31 days' else interval '1 day' end, 0.1, 200
from generate_series(0, $1 - 1201) n
union all select uid('s', 0), uid('e', n), now(), 0.1, 500 from generate_series(1, 1200) n
""",
}
"""The statement that fills a table, in the order of filling."""
NOT_FILLED: Final = {"migration": "one row per migration"}
BOUNDED: Final = {
    "open_quarantine": "entries that wait for the operator",
    "checkpoint": "one row per canonical lane: 48",
    "foreign_records": "at most 100 ranges per canonical lane",
    "migration": "one row per migration",
}
"""Tables with a number of rows that follows neither the history nor the organisations."""
QUEUES: Final = (
    *("delivery", "deferral", "keyed_answer", "idempotency_key", "attempt"),
    *("journal", "journal_start", "submission"),
)
"""Tables that are empty at first or again and again: filled, with the statistics of an empty table."""
