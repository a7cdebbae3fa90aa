-- The bytes as they lie in Kafka's log, of what could not be decoded: a record, or a whole batch of them.
alter table quarantine add column raw bytea;

-- What the operator did about a record that was set apart: who, when, why, and what came of it.
-- A record is open until an action settles it; one that failed settles nothing.
create table quarantine_action (
  number bigint generated always as identity primary key,
  record bigint not null references quarantine,
  action text not null check (action in ('retry', 'discard')),
  operator text not null,
  why text not null check (action = 'retry' or why <> ''),
  outcome text not null
    check (outcome in ('accepted', 'rejected', 'deferred', 'repeated', 'failed', 'discarded')),
  detail text not null,
  taken_at timestamptz not null default clock_timestamp()
);
create unique index quarantine_settled on quarantine_action (record) where outcome <> 'failed';
create index quarantine_history on quarantine_action (record, number);

create view quarantined as
  select q.*, not exists (select from quarantine_action a where a.record = q.number and a.outcome <> 'failed') as open
  from quarantine q;

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is added to, never changed', tg_table_name;
end $$;

create trigger added_to_only before update or delete or truncate on quarantine
  for each statement execute function refuse_change();
create trigger added_to_only before update or delete or truncate on quarantine_action
  for each statement execute function refuse_change();
