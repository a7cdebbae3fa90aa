-- A secret that was replaced signs along for a while, so that a receiver can change over without losing anything.
alter table endpoint add column old_secret text, add column rotated_at timestamptz;
