-- Identity of each followed lane: the id of the event at sequence 1. Null for a lane without events, and for a
-- checkpoint of an earlier version until the service has compared the log with the checkpoint. An instance of the
-- version before leaves the column as it is.
alter table checkpoint add column identity text;
