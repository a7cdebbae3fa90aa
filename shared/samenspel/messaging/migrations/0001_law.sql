-- The law of lanes: what every service keeps beside its own tables.

-- Which life of which database this is. A restart or a restore gives another answer, and with another answer
-- nothing may be published until the lanes have been compared with Kafka again.
create function incarnation() returns text language sql stable as $$
  select extract(epoch from pg_postmaster_start_time())::text || '/'
         || (select oid from pg_database where datname = current_database())
$$;

create table lane (
  topic text not null,
  lane integer not null,
  timeline integer not null default 1 check (timeline >= 1),
  sequence bigint not null default 0 check (sequence >= 0),
  digest bytea not null default decode(repeat('00', 32), 'hex') check (length(digest) = 32),
  compared text not null default '',
  primary key (topic, lane)
) with (fillfactor = 50);

-- How far the journal has reached Kafka. Lowering `sequence` publishes again, which receivers remove by the law.
create table published (
  topic text not null,
  lane integer not null,
  timeline integer not null default 1,
  sequence bigint not null default 0 check (sequence >= 0),
  next_offset bigint not null default 0 check (next_offset >= 0),
  holder uuid,
  held_until timestamptz not null default '-infinity',
  primary key (topic, lane),
  foreign key (topic, lane) references lane
) with (fillfactor = 50);

create table journal (
  topic text not null,
  lane integer not null,
  timeline integer not null,
  sequence bigint not null,
  key text not null,
  headers bytea not null,
  value bytea not null,
  primary key (topic, lane, timeline, sequence)
);

-- The service's own aggregates: the bytes last published, and what stays private.
create table aggregate (
  aggregate text not null,
  subject text not null,
  topic text not null,
  lane integer not null,
  value bytea not null,
  hash bytea not null check (length(hash) = 32),
  private bytea,
  removed boolean not null generated always as (hash = decode(repeat('00', 32), 'hex')) stored,
  primary key (aggregate, subject)
) with (fillfactor = 80);

-- Where this service stands on the lanes of others, and its copy of their aggregates.
create table position (
  topic text not null,
  lane integer not null,
  timeline integer not null default 1,
  sequence bigint not null default 0,
  digest bytea not null default decode(repeat('00', 32), 'hex'),
  last_offset bigint not null default -1,
  diverged_at bigint,
  primary key (topic, lane)
) with (fillfactor = 50);

create table projection (
  aggregate text not null,
  subject text not null,
  topic text not null,
  lane integer not null,
  value bytea not null,
  hash bytea not null check (length(hash) = 32),
  stale boolean not null default false,
  primary key (aggregate, subject)
) with (fillfactor = 80);

-- Where this service reads on in each organisation's ingress, and when Kafka appended the record before it.
create table door (
  topic text primary key,
  next_offset bigint not null default 0,
  appended_at bigint
) with (fillfactor = 50);

-- The first answer to each submission, as JSON: what makes a repeat harmless. Kept longer than the ingress.
create table submission (
  organisation text not null,
  source text not null,
  id text not null,
  answer bytea not null,
  answered_at timestamptz not null default now(),
  primary key (organisation, source, id)
);

-- Submissions that refer to a fact that has not arrived; a queue per subject, read and changed under the lane lock.
create table waiting (
  number bigint generated always as identity primary key,
  topic text not null,
  lane integer not null,
  subject text not null,
  needs_aggregate text,
  needs_subject text,
  deadline timestamptz not null,
  organisation text not null,
  source text not null,
  id text not null,
  type text not null,
  hash bytea not null,
  data bytea not null,
  received_at timestamptz not null,
  record text not null,
  correlationid text not null,
  traceparent text not null
);
create index waiting_queue on waiting (topic, lane, subject, number);

create table quarantine (
  number bigint generated always as identity primary key,
  topic text not null,
  lane integer not null,
  "offset" bigint not null,
  appended_at bigint not null,
  reason text not null,
  detail text not null,
  key bytea,
  headers bytea,
  value bytea,
  quarantined_at timestamptz not null default clock_timestamp(),
  unique (topic, lane, "offset", appended_at)
);
