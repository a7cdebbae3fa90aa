-- The feed has the first event of every lane that was applied.
update checkpoint p set identity = f.id from feed f
where (f.topic, f.lane, f.timeline, f.sequence) = (p.topic, p.lane, p.timeline, 1) and p.identity is null;
