-- A page of one theme or of one phase reads its own rows, in order of id.
create index initiative_index_theme_page on initiative_index (theme, initiative_id);
create index initiative_index_phase_page on initiative_index (phase, initiative_id);
