-- Live values: one event a second and site, kept for minutes; the newest of a site is found at once.
create index event_live on event (site_id, seq) where kind = 'live';

-- The worker sends a park the day so far of its members, through the view that holds the consent.
grant select on park_member, park_consent, park_result to nengtan_worker;

-- Ingest publishes live values to the broker.
grant select on event to nengtan_ingest;
