-- What is the ceiling of each programme, what is granted and left, and how many applications are not decided yet?
select programme_id, name, authority_name, ceiling_cents, granted_cents, left_cents, undecided_applications
from programme order by name
