-- Which milestones were planned before this day and are not reached? The most overdue come first.
select planned_on, milestone, title, adopter, adopter_name, initiative_id, initiative_title
from milestone where status = 'planned' and planned_on < :day order by planned_on limit 1000
