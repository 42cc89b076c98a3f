-- name: account_for_sign_in
select account_id, tenant_id, password_hash, roles, active from find_account($1, $2)

-- name: account_reserve_try
update account
set failed_count = case when locked_until is null then failed_count + 1 else 1 end,
    locked_until = case when (case when locked_until is null then failed_count + 1 else 1 end) >= $3
                        then $4::timestamptz end
where id = $1 and active and (locked_until is null or locked_until <= $2)
returning failed_count, locked_until

-- name: account_forget_tries
update account set failed_count = 0, locked_until = null where id = $1

-- name: account_rehash
update account set password_hash = $2 where id = $1

-- name: session_add
insert into session (token_hash, tenant_id, account_id, expires_at) values ($1, $2, $3, $4)

-- name: session_find
select tenant_id, tenant_code, tenant_kind, actor, roles, expires_at from find_session($1)

-- name: session_remove
delete from session where token_hash = $1

-- name: session_remove_expired
delete from session where account_id = $1 and expires_at <= $2

-- name: session_remove_of_account
delete from session where account_id = (select id from account where login = $1)

-- name: account_list
select login, display_name, roles, active, locked_until, created_at from account order by login

-- name: account_one
select login, display_name, roles, active, locked_until, created_at from account where login = $1
for update

-- name: account_secret
select id as account_id, tenant_id, password_hash, roles, active from account where login = $1

-- name: account_add
insert into account (tenant_id, login, display_name, password_hash, roles)
values ($1, $2, $3, $4, $5)
on conflict (tenant_id, login) do nothing
returning login, display_name, roles, active, locked_until, created_at

-- name: account_change
update account
set display_name = coalesce($2, display_name),
    roles = coalesce($3, roles),
    active = coalesce($4, active),
    password_hash = coalesce($5, password_hash),
    failed_count = case when $5::text is null then failed_count else 0 end,
    locked_until = case when $5::text is null then locked_until end
where login = $1
returning login, display_name, roles, active, locked_until, created_at

-- name: account_administrator_count
select count(*) as number from account where active and 'tenant_admin' = any(roles)

-- name: tenant_lock
select pg_advisory_xact_lock(hashtext('nengtan.accounts'), current_tenant())

-- name: api_key_list
select id, name, prefix, roles, created_by, created_at, expires_at, revoked_at from api_key order by id

-- name: api_key_one
select id, name, prefix, roles, created_by, created_at, expires_at, revoked_at from api_key
where id = $1 for update

-- name: api_key_add
insert into api_key (tenant_id, name, prefix, key_hash, roles, created_by, expires_at)
values ($1, $2, $3, $4, $5, $6, $7)
returning id, name, prefix, roles, created_by, created_at, expires_at, revoked_at

-- name: api_key_revoke
update api_key set revoked_at = coalesce(revoked_at, $2) where id = $1
returning id, name, prefix, roles, created_by, created_at, expires_at, revoked_at

-- name: api_key_find
select tenant_id, tenant_code, tenant_kind, actor, roles, expires_at from find_api_key($1)

-- name: change_add
insert into change_record (tenant_id, actor, action, object_kind, object_code, before, after)
values ($1, $2, $3, $4, $5, $6, $7)

-- name: change_list
select id, at, actor, action, object_kind, object_code, before, after from change_record
where id < $1 and ($2::text is null or object_kind = $2)
  and ($3::timestamptz is null or at >= $3) and ($4::timestamptz is null or at < $4)
order by id desc limit $5
