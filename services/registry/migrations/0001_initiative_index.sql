-- What `GET /v1/initiatives` filters by. The state itself is the aggregate's published bytes; this only finds it.
create table initiative_index (
  initiative_id text primary key,
  lead text not null,
  theme text not null,
  phase text not null
) with (fillfactor = 80);
create index initiative_index_lead on initiative_index (lead, initiative_id);
create index initiative_index_theme on initiative_index (theme, phase, initiative_id);
