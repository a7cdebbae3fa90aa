-- Offset of the event's record in its lane in Kafka. Null for an event that a version before has stored.
alter table feed add column log_offset bigint;

-- A subscription with start *now* begins at the end of each lane in Kafka. While the notifier has not applied a lane up
-- to that end, `awaited_offset` is the end, and the lane is neither delivered nor pulled. `start_timeline` and
-- `start_sequence` are the place of the start in the lane, once known. An instance of the version before ignores the
-- columns: it starts at the end of its feed.
alter table subscription_cursor add column awaited_offset bigint, add column start_timeline integer,
  add column start_sequence bigint;
create index subscription_cursor_awaited on subscription_cursor (topic, lane) where awaited_offset is not null;
