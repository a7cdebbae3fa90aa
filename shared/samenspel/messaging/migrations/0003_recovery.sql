-- A restore into a running server (its tables dropped and made anew, or emptied and filled) is another life too:
-- either gives the table another file.
create or replace function incarnation() returns text language sql stable as $$
  select extract(epoch from pg_postmaster_start_time())::text || '/'
         || (select oid from pg_database where datname = current_database()) || '/'
         || pg_relation_filenode('lane'::regclass)
$$;

-- What an operator did to the lanes, when and why.
create table lane_action (
  number bigint generated always as identity primary key,
  action text not null check (action in ('recover', 'new-timeline')),
  operator text not null,
  why text not null check (action = 'recover' or why <> ''),
  detail text not null,
  taken_at timestamptz not null default clock_timestamp()
);
create trigger added_to_only before update or delete or truncate on lane_action
  for each statement execute function refuse_change();
