-- A submission that waited and then broke the deciding is set apart as it was kept, no longer as the record that it came
-- in: it may have come over HTTP, and after a retry it may wait, and break, once more. So it has no offset. `record` and
-- `received_at` say where and when it came in; `hash` is that of its content as it was sent, which what was kept of it
-- need not give again.
alter table quarantine
  alter column "offset" drop not null,
  add column record text,
  add column received_at timestamptz,
  add column hash bytea,
  add constraint waited check (num_nulls(record, received_at, hash) = case when "offset" is null then 0 else 3 end);

drop view quarantined;
create view quarantined as
  select q.*, not exists (select from quarantine_action a where a.record = q.number and a.outcome <> 'failed') as open
  from quarantine q;
