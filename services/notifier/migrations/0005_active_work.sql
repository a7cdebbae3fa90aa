-- The statements of the delivery worker read active work, not all subscriptions and lanes.

-- A pull subscription acknowledges when it likes, so its cursor may lag for ever: the index leaves it out. An instance
-- of the version before inserts false, which costs time and changes nothing.
alter table subscription_cursor add column pull boolean not null default false;
update subscription_cursor c set pull = true from subscription s
where s.subscription_id = c.subscription_id and s.delivery = 'pull';
create index subscription_cursor_position on subscription_cursor (topic, lane, timeline, sequence) where not pull;

-- Cancelled subscriptions stay listed for ever.
create index subscription_active on subscription (organisation) where active;

-- Claims in progress, at most as many as attempts at once.
create index delivery_holder on delivery (holder) where holder is not null;

create index replaced_secret_end on replaced_secret (ends_at);
