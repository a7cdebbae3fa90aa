-- Every canonical event as it was published, by its own lane and number.
create table feed (
  topic text not null,
  lane integer not null,
  timeline integer not null,
  sequence bigint not null,
  id text not null,
  type text not null,
  subject text not null,
  aggregate text not null,
  organisation text not null,
  headers bytea not null,
  value bytea not null,
  primary key (topic, lane, timeline, sequence)
);

-- Where a push subscription is told, and the sealed secret that signs. Written before the subscription is submitted:
-- without an accepted subscription of the same organisation it does nothing.
create table endpoint (
  organisation text not null,
  subscription_id text not null,
  url text not null,
  secret text not null,
  made_at timestamptz not null default clock_timestamp(),
  primary key (organisation, subscription_id)
);

-- What the accepted subscriptions need besides their public state.
create table subscription (
  subscription_id text primary key,
  organisation text not null,
  types text[] not null,
  delivery text not null check (delivery in ('push', 'pull')),
  active boolean not null default true,
  sent bigint not null default 0,
  failed bigint not null default 0,
  -- A receiver that cannot be reached is left alone until `resume_at`; `rounds` counts how often in a row.
  rounds integer not null default 0,
  resume_at timestamptz not null default '-infinity',
  gone boolean not null default false,
  last_error text
) with (fillfactor = 50);
create index subscription_organisation on subscription (organisation, subscription_id);

-- The one cursor of a subscription, lane by lane: for pull what was acknowledged, for push up to where deliveries
-- have been opened. Its row is the lock of all that happens to the deliveries of that subscription on that lane.
create table subscription_cursor (
  subscription_id text not null references subscription,
  topic text not null,
  lane integer not null,
  timeline integer not null default 1,
  sequence bigint not null default 0,
  primary key (subscription_id, topic, lane)
) with (fillfactor = 50);

-- What is still to be told. Only the first of a subject is ever due; the others wait for it at 'infinity'. While an
-- attempt runs, `due_at` lies behind its time-out: an instance that dies holds nothing up for longer.
create table delivery (
  subscription_id text not null references subscription,
  topic text not null,
  lane integer not null,
  timeline integer not null,
  sequence bigint not null,
  subject text not null,
  attempts integer not null default 0,
  due_at timestamptz not null,
  holder text,
  last_error text,
  primary key (subscription_id, topic, lane, timeline, sequence)
) with (fillfactor = 70);
create index delivery_due on delivery (subscription_id, attempts, due_at) where due_at < 'infinity';
create index delivery_subject on delivery (subscription_id, topic, subject, timeline, sequence);

create table attempt (
  number bigint generated always as identity primary key,
  subscription_id text not null references subscription,
  event_id text not null,
  attempted_at timestamptz not null default clock_timestamp(),
  seconds real not null,
  status integer,
  error text
);
create index attempt_subscription on attempt (subscription_id, number);
create index attempt_time on attempt using brin (attempted_at);
