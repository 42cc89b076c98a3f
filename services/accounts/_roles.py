"""Roles and what each may do: one table, and the principal that stands before it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast, get_args

from services.refusal import Refusal

Permission = Literal[
    "read",
    "review",
    "quarantine.write",
    "import.write",
    "plant.write",
    "factor.confirm",
    "factor.write",
    "alert.write",
    "alert_rule.write",
    "budget.write",
    "accounts.write",
    "changes.read",
    "park.read",
]
Role = Literal[
    "viewer",
    "operator",
    "energy_manager",
    "verifier",
    "tenant_admin",
    "park_operator",
    "system_admin",
]

ALL_PERMISSIONS: frozenset[Permission] = frozenset(get_args(Permission))

# park.read shows nothing in an enterprise, and in a park only members that consent: the database
# holds that, whatever the role.
ROLE_PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    "viewer": frozenset({"read"}),
    "operator": frozenset({"read", "review", "quarantine.write", "import.write", "alert.write"}),
    "energy_manager": frozenset(
        {
            "read",
            "review",
            "quarantine.write",
            "import.write",
            "plant.write",
            "factor.confirm",
            "factor.write",
            "alert.write",
            "alert_rule.write",
            "budget.write",
        }
    ),
    "verifier": frozenset({"read", "changes.read", "factor.confirm"}),
    "tenant_admin": ALL_PERMISSIONS,
    "park_operator": frozenset({"read", "park.read"}),
    "system_admin": ALL_PERMISSIONS,
}


class RolesUnknown(Refusal):
    """No role, or one that does not exist."""

    code = "role_unknown"


class RoleNotYours(Refusal):
    """Nobody gives away, or takes over, more than they may do themselves."""

    code = "role_not_yours"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking: one tenant, one actor, and what the actor may do."""

    tenant_id: int
    tenant_code: str
    tenant_kind: str
    actor: str
    roles: tuple[str, ...]
    permissions: frozenset[Permission]
    expires_at: datetime | None


def permissions_of(roles: Iterable[str]) -> frozenset[Permission]:
    """Return what the roles may do together; an unknown role may do nothing."""
    known = [ROLE_PERMISSIONS[cast("Role", role)] for role in roles if role in ROLE_PERMISSIONS]
    return frozenset[Permission]().union(*known)


def command_line(*, tenant_id: int, tenant_code: str, tenant_kind: str) -> Principal:
    """Return the principal of the operator at the machine's own command line."""
    return Principal(
        tenant_id=tenant_id,
        tenant_code=tenant_code,
        tenant_kind=tenant_kind,
        actor="command line",
        roles=("system_admin",),
        permissions=ALL_PERMISSIONS,
        expires_at=None,
    )


def known_roles(roles: Iterable[str]) -> list[str]:
    """Return the roles in order, each once.

    Raises
    ------
    RolesUnknown
        If there is none, or one that does not exist.
    """
    wanted = sorted(set(roles))
    unknown = [role for role in wanted if role not in ROLE_PERMISSIONS]
    if unknown or not wanted:
        raise RolesUnknown(
            f"roles {unknown}: give at least one of {', '.join(ROLE_PERMISSIONS)}",
            f"角色 {unknown}：至少给出以下之一：{'、'.join(ROLE_PERMISSIONS)}",
            pointer="roles",
        )
    return wanted


def check_within(principal: Principal, roles: Iterable[str]) -> None:
    """Refuse roles that may more than the principal.

    Raises
    ------
    RoleNotYours
        If they do.
    """
    beyond = "、".join(sorted(permissions_of(roles) - principal.permissions))
    if beyond:
        raise RoleNotYours(
            f"these roles may {beyond}, which you may not: ask someone who may",
            f"这些角色含有您没有的权限（{beyond}）：请由具备者授予",
            pointer="roles",
        )
