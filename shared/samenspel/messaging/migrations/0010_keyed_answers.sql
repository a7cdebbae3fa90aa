-- Answers that a recovery read from an event with an HMAC as submission hash: only the key with this id can tell
-- whether a submission with the same identity has the same content. A recovery inserts and deletes rows.
create table keyed_answer (
  organisation text not null,
  source text not null,
  id text not null,
  key_id text not null,
  primary key (organisation, source, id)
);
create index keyed_answer_key on keyed_answer (key_id);
