alter table gateway add column signed boolean not null default false;
comment on column gateway.signed is 'Whether its messages count only with its signature.';
