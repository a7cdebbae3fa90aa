-- How many initiatives does each municipality lead, by province?
select o.province, o.name, (select count(*) from initiative i where i.lead = o.oin) as initiatives
from organisation o where o.kind = 'municipality' order by o.province, o.name
