-- How often Kafka held less of the lane than had been published. Every compare-and-set includes it, so that what was
-- read of Kafka before a loss is not written after it, though the other numbers may be the same again.
alter table published add column cuts integer not null default 0 check (cuts >= 0);
