-- Records on followed lanes that are no canonical events. A range has the records between two applied events; of the
-- ranges of a lane the oldest are merged, so that their number is bounded.
create table foreign_records (
  topic text not null,
  lane integer not null,
  first_offset bigint not null,
  next_offset bigint not null check (next_offset > first_offset),
  records bigint not null check (records > 0),
  primary key (topic, lane, first_offset)
);

-- Where reading resumes if that is later than the record after `last_offset`: all records between are known to be
-- foreign or repeats. `read_appended_at` is Kafka's time of the record before, in milliseconds: in a log that was
-- created again that record has another time. Null after a record that does not fit: read again from `last_offset`.
-- An instance of the version before leaves both columns as they are, and reads from `last_offset`.
alter table checkpoint add column read_offset bigint, add column read_appended_at bigint;
