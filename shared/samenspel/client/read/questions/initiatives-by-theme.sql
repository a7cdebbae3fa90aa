-- How many initiatives does each theme have?
select theme, count(*) as initiatives from initiative group by theme order by theme
