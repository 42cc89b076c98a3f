"""API keys: made, listed and ended. What is stored is a hash and the first letters."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from services.accounts._changes import record
from services.accounts._roles import Principal, check_within, known_roles
from services.accounts._tokens import KEY_PREFIX, hashed
from services.refusal import NotFound
from services.store import accounts as store
from services.store.accounts import ApiKeyRow
from services.store.pool import Database

_SHOWN_LENGTH = 11


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A new API key; the key is told once."""

    key: str
    row: ApiKeyRow


async def list_api_keys(database: Database, *, principal: Principal) -> list[ApiKeyRow]:
    """Return the API keys of the tenant, revoked ones too."""
    async with database.transaction(principal.tenant_id) as connection:
        return await store.list_api_keys(connection)


async def create_api_key(
    database: Database,
    *,
    principal: Principal,
    name: str,
    roles: Iterable[str],
    expires_at: datetime | None,
) -> NewApiKey:
    """Make an API key of the principal's tenant.

    Raises
    ------
    RolesUnknown, RoleNotYours
        As their names say.
    """
    wanted = known_roles(roles)
    check_within(principal, wanted)
    key = KEY_PREFIX + secrets.token_urlsafe(32)
    async with database.transaction(principal.tenant_id) as connection:
        row = await store.add_api_key(
            connection,
            tenant_id=principal.tenant_id,
            name=name,
            prefix=key[:_SHOWN_LENGTH],
            key_hash=hashed(key),
            roles=wanted,
            created_by=principal.actor,
            expires_at=expires_at,
        )
        await record(
            connection, principal, "api_key.create", "api_key", str(row.id), after=_shown(row)
        )
    return NewApiKey(key=key, row=row)


async def revoke_api_key(
    database: Database, *, principal: Principal, key_id: int, at: datetime
) -> ApiKeyRow:
    """End an API key at once.

    Raises
    ------
    NotFound
        If the tenant has no such key.
    RoleNotYours
        If the key may more than the principal.
    """
    async with database.transaction(principal.tenant_id) as connection:
        before = await store.lock_api_key(connection, key_id=key_id)
        if before is None:
            raise NotFound("api_key")
        check_within(principal, before.roles)
        after = await store.revoke_api_key(connection, key_id=key_id, at=at)
        if before.revoked_at is None:
            await record(
                connection,
                principal,
                "api_key.revoke",
                "api_key",
                str(key_id),
                before=_shown(before),
                after=_shown(after),
            )
    return after


def _shown(row: ApiKeyRow) -> dict[str, object]:
    return {
        "name": row.name,
        "prefix": row.prefix,
        "roles": row.roles,
        "expires_at": None if row.expires_at is None else row.expires_at.isoformat(),
        "revoked_at": None if row.revoked_at is None else row.revoked_at.isoformat(),
    }
