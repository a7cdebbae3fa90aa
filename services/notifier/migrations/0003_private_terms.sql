-- subscription.v2 publishes id, organisation and status only. The terms (types, start, delivery) are in the private
-- part of the aggregate, which no event contains. A recovery from Kafka restores the row without terms; the
-- submission, read or sent again, brings the terms back. Until then nothing is delivered.
alter table subscription alter column types drop not null, alter column delivery drop not null;

-- Each replaced secret signs along until its own end. The columns old_secret and rotated_at of endpoint stay in use
-- for an instance of the version before.
create table replaced_secret (
  organisation text not null,
  subscription_id text not null,
  secret text not null,
  ends_at timestamptz not null,
  primary key (organisation, subscription_id, secret),
  foreign key (organisation, subscription_id) references endpoint on delete cascade
);
insert into replaced_secret (organisation, subscription_id, secret, ends_at)
select organisation, subscription_id, old_secret, rotated_at + interval '24 hours' from endpoint
where old_secret is not null and rotated_at > now() - interval '24 hours';

-- The Idempotency-Key of a request, for 24 hours: the hash of the request, and the values that the first request chose.
create table idempotency_key (
  organisation text not null,
  key text not null,
  request bytea not null check (length(request) = 32),
  secret text,
  made_at timestamptz not null default clock_timestamp(),
  primary key (organisation, key)
);
create index idempotency_key_age on idempotency_key (made_at);
