-- How many initiatives are there?
select count(*) as initiatives from initiative
