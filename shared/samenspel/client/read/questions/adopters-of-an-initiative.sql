-- Which organisations have adopted this initiative, and how far are they?
select adopter, adopter_name, latest_milestone from rollout where initiative_id = :initiative_id order by adopter
