-- How much of each programme's ceiling is granted, in euro cents. The check is the last line of defence: no statement,
-- whoever wrote it, can grant more than there is (Awb 4:25 lid 2).
create table budget (
  programme_id text primary key,
  ceiling_cents bigint not null check (ceiling_cents > 0),
  granted_cents bigint not null default 0,
  constraint granted_within_ceiling check (granted_cents >= 0 and granted_cents <= ceiling_cents)
) with (fillfactor = 50);

-- Finds a programme's applications. The state itself is the aggregate's published bytes.
create table application_index (
  application_id text primary key,
  programme_id text not null references budget
);
create index application_index_programme on application_index (programme_id, application_id);
