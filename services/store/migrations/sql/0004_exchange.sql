-- The check of a description sees that no two points have an address at once.
drop index point_address;
create unique index point_address on point (gateway_id, address, valid_from) where active;
