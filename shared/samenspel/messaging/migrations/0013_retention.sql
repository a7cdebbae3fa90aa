-- Retention of receipts and of the details of answers. Only messaging/outbox/receipt_retention.py writes journal_start.

-- Sequence of the last receipt that was removed from the lane's journal. The lane itself keeps its last sequence.
create table journal_start (
  topic text not null,
  lane integer not null,
  removed bigint not null check (removed > 0),
  primary key (topic, lane)
) with (fillfactor = 50);

-- The time in the header lines of a journal row.
create function event_time(headers bytea) returns timestamptz language sql stable as $$
  select substring(convert_from(headers, 'UTF8') from '\nce_time:([^\n]*)\n')::timestamptz
$$;

-- An answer whose details were removed has no `answered_at`, and so leaves the index.
alter table submission alter column answered_at drop not null;
create index submission_answered on submission (answered_at) where answered_at is not null;
