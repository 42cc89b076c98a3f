"""Accounts: made, listed and changed by who may, each change on record."""

import re
from collections.abc import Iterable

from services.accounts._changes import record
from services.accounts._passwords import check_password, hash_password
from services.accounts._roles import Principal, check_within, known_roles
from services.refusal import NotFound, Refusal
from services.store import accounts as store
from services.store.accounts import AccountRow
from services.store.pool import Database

LOGIN_FORM = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class AccountInvalid(Refusal):
    """An account that cannot be made or changed like this."""

    code = "account_invalid"


class LoginTaken(Refusal):
    """Another account of the tenant has this login."""

    code = "login_taken"


async def list_accounts(database: Database, *, principal: Principal) -> list[AccountRow]:
    """Return the accounts of the tenant."""
    async with database.transaction(principal.tenant_id) as connection:
        return await store.list_accounts(connection)


async def create_account(
    database: Database,
    *,
    principal: Principal,
    login: str,
    display_name: str,
    password: str,
    roles: Iterable[str],
) -> AccountRow:
    """Make an account of the principal's tenant.

    Raises
    ------
    RolesUnknown, RoleNotYours, AccountInvalid, PasswordUnfit, LoginTaken
        As their names say.
    """
    wanted = known_roles(roles)
    check_within(principal, wanted)
    if not LOGIN_FORM.fullmatch(login):
        raise AccountInvalid(
            f"login {login!r}: write 1 to 64 of letters, digits, _ . -",
            f"账号 {login!r}：请用 1 至 64 个字母、数字、_ . -",
            pointer="login",
        )
    check_password(password, login=login)
    password_hash = await hash_password(password)
    async with database.transaction(principal.tenant_id) as connection:
        row = await store.add_account(
            connection,
            tenant_id=principal.tenant_id,
            login=login,
            display_name=display_name,
            password_hash=password_hash,
            roles=wanted,
        )
        if row is None:
            raise LoginTaken(
                f"login {login} is taken: choose another",
                f"账号 {login} 已存在：请另选",
                pointer="login",
            )
        await record(connection, principal, "account.create", "account", login, after=_shown(row))
    return row


async def change_account(
    database: Database,
    *,
    principal: Principal,
    login: str,
    display_name: str | None = None,
    password: str | None = None,
    roles: Iterable[str] | None = None,
    active: bool | None = None,
) -> AccountRow:
    """Change what is given of an account; a new password, or its end, closes its sessions.

    Raises
    ------
    NotFound
        If the tenant has no such account.
    RolesUnknown, RoleNotYours, PasswordUnfit
        As their names say.
    AccountInvalid
        If no active administrator would be left.
    """
    wanted = None if roles is None else known_roles(roles)
    check_within(principal, wanted or ())
    if password is not None:
        check_password(password, login=login)
    password_hash = None if password is None else await hash_password(password)
    async with database.transaction(principal.tenant_id) as connection:
        administrators = await store.administrator_count(connection)
        before = await store.lock_account(connection, login=login)
        if before is None:
            raise NotFound("account")
        check_within(principal, before.roles)
        after = await store.change_account(
            connection,
            login=login,
            display_name=display_name,
            roles=wanted,
            active=active,
            password_hash=password_hash,
        )
        if administrators and not await store.administrator_count(connection):
            raise AccountInvalid(
                "the last active tenant_admin must stay: give another account that role first",
                "必须保留最后一个有效的 tenant_admin：请先将该角色授予其他账号",
                pointer="roles",
            )
        if password_hash is not None or not after.active:
            await store.remove_sessions_of(connection, login=login)
        await record(
            connection,
            principal,
            "account.change",
            "account",
            login,
            before=_shown(before),
            after=_shown(after) | {"password_changed": password_hash is not None},
        )
    return after


def _shown(row: AccountRow) -> dict[str, object]:
    return {"display_name": row.display_name, "roles": row.roles, "active": row.active}
