"""Coming in and going out: sessions of accounts, and whom a token stands for."""

import asyncio
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from services import clock
from services.accounts._changes import record
from services.accounts._passwords import check_password, hash_password, is_stale, matches
from services.accounts._people import LOGIN_FORM, AccountInvalid
from services.accounts._roles import Principal, permissions_of
from services.accounts._tokens import KEY_PREFIX, LENGTH_MAX, SESSION_PREFIX, hashed
from services.refusal import Refusal
from services.store import accounts as store
from services.store.accounts import AccountSecret
from services.store.pool import Database

SESSION_LIFE = timedelta(hours=12)
TRY_MAX = 5
LOCK_LIFE = timedelta(minutes=15)
# A refusal takes this long at least: what is written down of a known account takes a disk's time.
REFUSAL_S = 0.25


class SignInRefused(Refusal):
    """Wrong login, wrong password, locked or switched off: the answer does not say which."""

    code = "sign_in_refused"

    def __init__(self) -> None:
        super().__init__(
            "wrong login or password, or the account is locked: write the login as name@tenant;"
            f" {TRY_MAX} wrong passwords lock it for 15 minutes",
            "账号或密码错误，或账号已锁定：账号写作 name@tenant；"
            f"连续 {TRY_MAX} 次密码错误锁定 15 分钟",
        )


@dataclass(frozen=True, slots=True)
class SignIn:
    """A new session; the token is told once."""

    token: str
    principal: Principal


async def identify(database: Database, token: str) -> Principal | None:
    """Return whom a session token or an API key stands for, or None if for nobody."""
    if len(token) > LENGTH_MAX or not token.startswith((KEY_PREFIX, SESSION_PREFIX)):
        return None
    kind = "api_key" if token.startswith(KEY_PREFIX) else "session"
    async with database.transaction() as connection:
        row = await store.find_credential(connection, hashed=hashed(token), kind=kind)
    if row is None:
        return None
    return Principal(
        tenant_id=row.tenant_id,
        tenant_code=row.tenant_code,
        tenant_kind=row.tenant_kind,
        actor=row.actor,
        roles=tuple(row.roles),
        permissions=permissions_of(row.roles),
        expires_at=row.expires_at,
    )


async def sign_in(database: Database, *, login: str, password: str, at: datetime) -> SignIn:
    """Check `name@tenant` and its password, and open a session.

    Unknown accounts take the same steps as known ones, so that neither the answer nor its time
    tells them apart.

    Raises
    ------
    SignInRefused
        If login and password do not belong together, or the account is locked or switched off.
    SignInBusy
        If too many sign-ins wait already.
    """
    found = await _check_unhurried(database, login=login, password=password, at=at)
    token = SESSION_PREFIX + secrets.token_urlsafe(32)
    renewed = await hash_password(password) if is_stale(found.password_hash) else None
    async with database.transaction(found.tenant_id) as connection:
        await store.forget_tries(connection, account_id=found.account_id)
        if renewed is not None:
            await store.rehash(connection, account_id=found.account_id, password_hash=renewed)
        await store.add_session(
            connection,
            token_hash=hashed(token),
            tenant_id=found.tenant_id,
            account_id=found.account_id,
            at=at,
            expires_at=at + SESSION_LIFE,
        )
        await store.record_change(
            connection,
            tenant_id=found.tenant_id,
            actor=login,
            action="session.create",
            object_kind="account",
            object_code=login.rpartition("@")[0],
        )
    principal = await identify(database, token)
    if principal is None:
        # Switched off between the check and now.
        raise SignInRefused
    return SignIn(token=token, principal=principal)


async def sign_out(database: Database, *, principal: Principal, token: str) -> None:
    """End the session of a token; an API key has none, and is left as it is."""
    async with database.transaction(principal.tenant_id) as connection:
        if await store.remove_session(connection, token_hash=hashed(token)):
            login = principal.actor.rpartition("@")[0]
            await record(connection, principal, "session.delete", "account", login)


async def change_own_password(
    database: Database, *, principal: Principal, current: str, password: str, at: datetime
) -> None:
    """Set the principal's own password; every session of the account ends.

    Raises
    ------
    AccountInvalid
        If the principal is a key, which has no password.
    SignInRefused
        If the current password is wrong; it counts as a wrong try.
    PasswordUnfit
        If the new one is.
    """
    login = principal.actor.rpartition("@")[0]
    if not LOGIN_FORM.fullmatch(login):
        raise AccountInvalid(
            "an API key has no password: sign in as an account", "API 密钥没有密码：请以账号登录"
        )
    check_password(password, login=login)
    found = await _check_unhurried(database, login=principal.actor, password=current, at=at)
    password_hash = await hash_password(password)
    async with database.transaction(principal.tenant_id) as connection:
        await store.forget_tries(connection, account_id=found.account_id)
        await store.rehash(connection, account_id=found.account_id, password_hash=password_hash)
        await store.remove_sessions_of(connection, login=login)
        await record(connection, principal, "account.password", "account", login)


async def _check_unhurried(
    database: Database, *, login: str, password: str, at: datetime
) -> AccountSecret:
    started = clock.monotonic()
    try:
        return await _check(database, login=login, password=password, at=at)
    except SignInRefused:
        await asyncio.sleep(max(0.0, REFUSAL_S - (clock.monotonic() - started)))
        raise


async def _check(database: Database, *, login: str, password: str, at: datetime) -> AccountSecret:
    """Return the account whose password it is; a wrong try is counted and on record."""
    name, _, tenant_code = login.rpartition("@")
    async with database.transaction() as connection:
        found = await store.account_for_sign_in(connection, tenant_code=tenant_code, login=name)
    async with database.transaction(None if found is None else found.tenant_id) as connection:
        tried = await store.reserve_try(
            connection,
            account_id=-1 if found is None else found.account_id,
            at=at,
            try_max=TRY_MAX,
            locked_until=at + LOCK_LIFE,
        )
    right = await matches(None if found is None else found.password_hash, password)
    if found is None or tried is None:
        raise SignInRefused
    if not right:
        async with database.transaction(found.tenant_id) as connection:
            await store.record_change(
                connection,
                tenant_id=found.tenant_id,
                actor="unknown",
                action="session.refuse" if tried.locked_until is None else "account.lock",
                object_kind="account",
                object_code=name,
            )
        raise SignInRefused
    return found
