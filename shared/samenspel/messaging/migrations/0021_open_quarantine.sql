-- The open entries of the quarantine, so that counting and listing them does not read the resolved entries. Triggers
-- write this table: an instance of the version before keeps it up to date too.
create table open_quarantine (
  number bigint primary key,
  reason text not null
);
create index open_quarantine_reason on open_quarantine (reason);
-- Finds the reasons, also those without an open entry.
create index quarantine_reason on quarantine (reason);

create function open_entry() returns trigger language plpgsql as $$
begin
  insert into open_quarantine (number, reason) values (new.number, new.reason) on conflict do nothing;
  return null;
end $$;
create function close_entry() returns trigger language plpgsql as $$
begin
  delete from open_quarantine where number = new.record;
  return null;
end $$;
create trigger opened after insert on quarantine for each row execute function open_entry();
create trigger resolved after insert on quarantine_action
  for each row when (new.outcome <> 'failed') execute function close_entry();

insert into open_quarantine (number, reason) select number, reason from quarantined where open;

-- The queue of deferrals fills and empties again and again. Autovacuum removes its dead rows after a fixed number of
-- rows, not after a share of the table: a queue that was once long stays quick.
alter table deferral set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
