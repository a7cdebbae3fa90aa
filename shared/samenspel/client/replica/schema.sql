-- A replica of the canonical lanes. `event` is the log of applied events. The tables of the current state follow from
-- the catalogue (table_definitions.py); views.sql shows the current state.

create table lane (
    lane text primary key,          -- <topic>/<partition>, as in every event
    topic text not null,
    partition integer not null,
    timeline integer not null,
    sequence integer not null,      -- of the last applied event
    digest text not null,           -- after that event: 64 hex digits
    last_offset integer not null    -- of the Kafka record of that event; -1 for an event from HTTP
);

create table event (
    number integer primary key,     -- order of application in this replica
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
    value text not null             -- data, byte for byte; a blob when the bytes are not UTF-8
);
create unique index event_place on event (lane, timeline, sequence);
-- The index `event_subject` (aggregate, subject, number, time) and the tables of the current state are filled at the end
-- of the first sync, which is cheaper.

-- The table `lane_identity` (lane, id) keeps the id of a lane's first event while the lane starts a new timeline. A file
-- of an earlier version gets the table too (store.py).

-- Cursor of the pull feed.
create table feed (
    url text primary key,
    cursor text not null
);
