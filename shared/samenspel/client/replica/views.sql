-- Current state for plain SQL, over the tables of `tables.py`. Amounts are in euro cents. A name is null beside an OIN
-- that no admitted organisation has; no row is left out for that. A subquery is read only when its column is asked for.

create view organisation as
select
    o.oin, o.name, o.kind, o.cbs_code, o.tooi, o.kvk,
    nullif((select json_group_array(value) from (
        select r.value from organisation_v1_roles r where r.oin = o.oin order by r.position)), '[]') as roles,
    o.version, o.changed_at,
    (select m.province from municipality m where m.cbs_code = o.cbs_code) as province
from organisation_v1 o;

create view membership as
select m.oin, o.name, m.network, m.period_start as since, m.period_end as until
from organisation_v1_memberships m join organisation_v1 o on o.oin = m.oin;

create view initiative as
select
    i.initiative_id, i.title, i.summary, i.theme, i.phase, i.lead,
    i.estimated_costs_amount_cents as estimated_cents, i.period_start as start, i.period_end as end, i.link,
    i.stopped_because, i.version, i.changed_at,
    (select o.name from organisation_v1 o where o.oin = i.lead) as lead_name
from initiative_v1 i;

create view initiative_cost as
select c.initiative_id, c.category, c.amount_cents from initiative_v1_estimated_costs c;

create view initiative_partner as
select
    p.initiative_id, p.value as partner,
    (select o.name from organisation_v1 o where o.oin = p.value) as partner_name,
    (select i.title from initiative_v1 i where i.initiative_id = p.initiative_id) as title
from initiative_v1_partners p;

create view rollout as
select
    r.rollout_id, r.initiative_id, r.adopter, r.latest_milestone, r.version, r.changed_at,
    (select o.name from organisation_v1 o where o.oin = r.adopter) as adopter_name,
    (select i.title from initiative_v1 i where i.initiative_id = r.initiative_id) as initiative_title
from rollout_v1 r;

create view milestone as
select
    m.rollout_id, r.initiative_id, r.adopter, m.milestone, m.title, m.status, m.planned_on, m.reached_on, m.evidence,
    m.reason,
    (select o.name from organisation_v1 o where o.oin = r.adopter) as adopter_name,
    (select i.title from initiative_v1 i where i.initiative_id = r.initiative_id) as initiative_title
from rollout_v1_milestones m join rollout_v1 r on r.rollout_id = m.rollout_id;

create view application as
select
    a.application_id, a.programme_id, a.applicant, a.received_at, a.status, a.beneficiary_name as beneficiary,
    a.activity, a.requested_cents, a.initiative_id, a.decision_decided_on as decided_on, a.decision_rule as rule,
    a.decision_article as article, a.decision_asked_cents as asked_cents, a.decision_asked_cents as proposed_cents,
    a.decision_ceiling_cents as ceiling_cents, a.decision_room_before_cents as room_before_cents,
    a.decision_granted_cents as granted_cents, a.decision_room_after_cents as room_after_cents,
    nullif((select json_group_array(value) from (
        select g.value from application_v1_decision_grounds g
        where g.application_id = a.application_id order by g.position)), '[]') as grounds,
    a.decision_explanation as explanation, a.version, a.changed_at,
    (select o.name from organisation_v1 o where o.oin = a.applicant) as applicant_name,
    (select p.name from programme_v1 p where p.programme_id = a.programme_id) as programme_name
from application_v1 a;

create view programme as
select
    p.programme_id, p.name, p.authority, p.ceiling_cents, p.granted_cents, p.ceiling_cents - p.granted_cents as left_cents,
    p.instrument, p.legal_basis, p.distribution_method, p.period_start as start, p.period_end as end, p.version,
    p.changed_at,
    (select o.name from organisation_v1 o where o.oin = p.authority) as authority_name,
    (select count(*) from application_v1 a
     where a.programme_id = p.programme_id and a.status = 'submitted') as undecided_applications
from (
    select *, coalesce((
        select sum(a.decision_granted_cents) from application_v1 a where a.programme_id = g.programme_id), 0
    ) as granted_cents
    from programme_v1 g
) p;

create view subscription as
select
    s.subscription_id, s.organisation, s.status, s.delivery, s.types, s.changed_at,
    (select o.name from organisation_v1 o where o.oin = s.organisation) as organisation_name
from (
    select subscription_id, organisation, status, null as delivery, null as types, changed_at from subscription_v2
    union all
    select
        v.subscription_id, v.organisation, v.status, v.delivery,
        (select json_group_array(value) from (
            select t.value from subscription_v1_types t where t.subscription_id = v.subscription_id
            order by t.position)),
        v.changed_at
    from subscription_v1 v
) s;
