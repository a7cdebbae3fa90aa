-- What is this initiative, who leads it, and who takes part? One row for each partner.
select i.title, i.phase, i.lead, i.lead_name, p.partner, p.partner_name
from initiative i left join initiative_partner p on p.initiative_id = i.initiative_id
where i.initiative_id = :initiative_id
