-- A replica of the canonical lanes. `event` is the log as it was applied; what is so now is a view of it (views.sql).

create table lane (
    lane text primary key,          -- <topic>/<partition>, as every event names it
    topic text not null,
    partition integer not null,
    timeline integer not null,
    sequence integer not null,      -- of the last applied event
    digest text not null,           -- after it: 64 hex digits
    last_offset integer not null    -- of its Kafka record; -1 when it came over HTTP
);

create table event (
    number integer primary key,     -- in the order in which this copy applied it
    lane text not null,
    timeline integer not null,
    sequence integer not null,
    id text not null,
    type text not null,
    aggregate text not null,
    subject text not null,
    time text not null,
    correlation_id text not null,
    causation_id text not null,
    submission_id text not null,
    submitter text not null,        -- OIN
    hash blob not null,             -- H: 32 bytes, all zero for a removal
    digest text not null,           -- of the lane after this event
    headers text not null,          -- the ce_ headers as sorted name:value lines
    value text not null             -- data, byte for byte; a blob when it is no UTF-8
);
create unique index event_place on event (lane, timeline, sequence);
-- `event_subject` (aggregate, subject, number) is made when the first sync has everything: it costs less then.

-- Where the pull feed is read on.
create table feed (
    url text primary key,
    cursor text not null
);

pragma user_version = 1;
