-- A replica of the canonical lanes. `event` is the log of applied events; views.sql shows the current state.

create table lane (
    lane text primary key,          -- <topic>/<partition>, as in every event
    topic text not null,
    partition integer not null,
    timeline integer not null,
    sequence integer not null,      -- of the last applied event
    digest text not null,           -- after that event: 64 hex digits
    last_offset integer not null    -- of the Kafka record of that event; -1 for an event from HTTP
);

create table event (
    number integer primary key,     -- order of application in this replica
    lane text not null,
    timeline integer not null,
    sequence integer not null,
    id text not null,
    type text not null,
    aggregate text not null,
    subject text not null,
    time text not null,
    correlation_id text not null,
    causation_id text not null,
    submission_id text not null,
    submitter text not null,        -- OIN
    hash blob not null,             -- H: 32 bytes, all zero for a removal
    digest text not null,           -- of the lane after this event
    headers text not null,          -- the ce_ headers as sorted name:value lines
    value text not null             -- data, byte for byte; a blob when the bytes are not UTF-8
);
create unique index event_place on event (lane, timeline, sequence);
-- The index `event_subject` (aggregate, subject, number) is created at the end of the first sync, which is cheaper.

-- The table `lane_identity` (lane, id) keeps the id of a lane's first event while the lane starts a new timeline.

-- Cursor of the pull feed.
create table feed (
    url text primary key,
    cursor text not null
);

pragma user_version = 1;
-- Current state, one view per kind of aggregate. Amounts are in euro cents.

-- State of every aggregate that is not removed. Each event has the whole state: the last event has the current state.
create view aggregate as
select
    last.aggregate, last.subject, e.lane, e.value, e.hash, e.id as last_event, e.type as last_type, e.sequence,
    e.time as changed_at, e.number
from (select aggregate, subject, max(number) as number from event group by aggregate, subject) last
join event e on e.number = last.number
where e.hash <> zeroblob(32);

create view organisation as
select
    subject as oin, value ->> '$.name' as name, value ->> '$.kind' as kind, value ->> '$.cbs_code' as cbs_code,
    value ->> '$.tooi' as tooi, value ->> '$.kvk' as kvk, value -> '$.roles' as roles,
    value ->> '$.version' as version, changed_at
from aggregate where aggregate = 'organisation.v1';

create view membership as
select
    a.subject as oin, a.value ->> '$.name' as name, m.value ->> '$.network' as network,
    m.value ->> '$.period.start' as since, m.value ->> '$.period.end' as until
from aggregate a, json_each(a.value, '$.memberships') m where a.aggregate = 'organisation.v1';

create view initiative as
select
    subject as initiative_id, value ->> '$.title' as title, value ->> '$.summary' as summary,
    value ->> '$.theme' as theme, value ->> '$.phase' as phase, value ->> '$.lead' as lead,
    (select sum(c.value ->> '$.amount_cents') from json_each(a.value, '$.estimated_costs') c) as estimated_cents,
    value ->> '$.period.start' as start, value ->> '$.period.end' as end, value ->> '$.link' as link,
    value ->> '$.stopped_because' as stopped_because, value ->> '$.version' as version, changed_at
from aggregate a where aggregate = 'initiative.v1';

create view initiative_cost as
select a.subject as initiative_id, c.value ->> '$.category' as category, c.value ->> '$.amount_cents' as amount_cents
from aggregate a, json_each(a.value, '$.estimated_costs') c where a.aggregate = 'initiative.v1';

create view rollout as
select
    subject as rollout_id, value ->> '$.initiative_id' as initiative_id, value ->> '$.adopter' as adopter,
    value ->> '$.latest_milestone' as latest_milestone, value ->> '$.version' as version, changed_at
from aggregate where aggregate = 'rollout.v1';

create view milestone as
select
    a.subject as rollout_id, a.value ->> '$.initiative_id' as initiative_id, a.value ->> '$.adopter' as adopter,
    m.value ->> '$.milestone' as milestone, m.value ->> '$.title' as title, m.value ->> '$.status' as status,
    m.value ->> '$.planned_on' as planned_on, m.value ->> '$.reached_on' as reached_on,
    m.value ->> '$.evidence' as evidence, m.value ->> '$.reason' as reason
from aggregate a, json_each(a.value, '$.milestones') m where a.aggregate = 'rollout.v1';

create view application as
select
    subject as application_id, value ->> '$.programme_id' as programme_id, value ->> '$.applicant' as applicant,
    value ->> '$.received_at' as received_at, value ->> '$.status' as status,
    value ->> '$.beneficiary.name' as beneficiary, value ->> '$.activity' as activity,
    value ->> '$.requested_cents' as requested_cents, value ->> '$.initiative_id' as initiative_id,
    value ->> '$.decision.decided_on' as decided_on, value ->> '$.decision.rule' as rule,
    value ->> '$.decision.article' as article, value ->> '$.decision.asked_cents' as asked_cents,
    value ->> '$.decision.asked_cents' as proposed_cents,
    value ->> '$.decision.ceiling_cents' as ceiling_cents,
    value ->> '$.decision.room_before_cents' as room_before_cents,
    value ->> '$.decision.granted_cents' as granted_cents,
    value ->> '$.decision.room_after_cents' as room_after_cents, value -> '$.decision.grounds' as grounds,
    value ->> '$.decision.explanation' as explanation, value ->> '$.version' as version, changed_at
from aggregate where aggregate = 'application.v1';

create view programme as
with granted as (
    select programme_id, sum(granted_cents) as cents from application where granted_cents is not null group by 1
)
select
    p.subject as programme_id, p.value ->> '$.name' as name, p.value ->> '$.authority' as authority,
    p.value ->> '$.ceiling_cents' as ceiling_cents, coalesce(g.cents, 0) as granted_cents,
    (p.value ->> '$.ceiling_cents') - coalesce(g.cents, 0) as left_cents,
    p.value ->> '$.instrument' as instrument, p.value ->> '$.legal_basis' as legal_basis,
    p.value ->> '$.distribution_method' as distribution_method, p.value ->> '$.period.start' as start,
    p.value ->> '$.period.end' as end, p.value ->> '$.version' as version, p.changed_at
from aggregate p left join granted g on g.programme_id = p.subject where p.aggregate = 'programme.v1';

create view subscription as
select
    subject as subscription_id, value ->> '$.organisation' as organisation, value ->> '$.status' as status,
    value ->> '$.delivery' as delivery, value -> '$.types' as types, changed_at
from aggregate where aggregate in ('subscription.v1', 'subscription.v2');
