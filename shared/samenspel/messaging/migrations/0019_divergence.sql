-- Why the event at ``diverged_at`` does not fit. A checkpoint of an earlier version has no reason.
alter table checkpoint add column divergence text;
