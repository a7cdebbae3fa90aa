-- Bytes stored for an organisation's quarantined records and refused submissions, as of `updated_at`. The use decreases
-- evenly over a day. Only messaging/inbox/storage_budget.py writes this table.
create table storage_use (
  organisation text primary key,
  bytes double precision not null check (bytes >= 0),
  updated_at timestamptz not null default clock_timestamp()
) with (fillfactor = 50);
