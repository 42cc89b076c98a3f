-- Deliveries are bookkeeping: what was told to whom is in the notes of an episode, which are kept.
create index alert_delivery_created on alert_delivery (created_at);
grant delete on alert_delivery to nengtan_worker;
