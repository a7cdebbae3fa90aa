-- How many initiatives does each theme have in each phase, and what do they cost together by their estimates?
select theme, phase, count(*) as initiatives, sum(estimated_cents) as estimated_cents
from initiative group by theme, phase order by theme, phase
