-- A queue per organisation and subject. ``after_deferral`` marks a deferral that waits for an earlier deferral about
-- ``needs_subject``, of any organisation, instead of an aggregate of another service.
alter table deferral add column after_deferral boolean not null default false;

-- Each statement on the queue reads only the rows of its own subjects, organisations, aggregates or numbers.
create index deferral_organisation_queue on deferral (topic, lane, subject, organisation, number);
create index deferral_submission on deferral (organisation, source, id);
create index deferral_needs on deferral (needs_aggregate, needs_subject, number) where needs_aggregate is not null;
create index deferral_deadline on deferral (deadline, number);
