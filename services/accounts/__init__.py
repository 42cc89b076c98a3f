"""People and keys: who may come in, as which tenant, and what they may do there."""

from services.accounts._changes import list_changes
from services.accounts._keys import NewApiKey, create_api_key, list_api_keys, revoke_api_key
from services.accounts._passwords import PasswordUnfit, SignInBusy
from services.accounts._people import (
    AccountInvalid,
    LoginTaken,
    change_account,
    create_account,
    list_accounts,
)
from services.accounts._roles import (
    ALL_PERMISSIONS,
    ROLE_PERMISSIONS,
    Permission,
    Principal,
    Role,
    RoleNotYours,
    RolesUnknown,
    command_line,
    permissions_of,
)
from services.accounts._sign_in import (
    SESSION_LIFE,
    SignIn,
    SignInRefused,
    change_own_password,
    identify,
    sign_in,
    sign_out,
)

__all__ = [
    "ALL_PERMISSIONS",
    "ROLE_PERMISSIONS",
    "SESSION_LIFE",
    "AccountInvalid",
    "LoginTaken",
    "NewApiKey",
    "PasswordUnfit",
    "Permission",
    "Principal",
    "Role",
    "RoleNotYours",
    "RolesUnknown",
    "SignIn",
    "SignInBusy",
    "SignInRefused",
    "change_account",
    "change_own_password",
    "command_line",
    "create_account",
    "create_api_key",
    "identify",
    "list_accounts",
    "list_api_keys",
    "list_changes",
    "permissions_of",
    "revoke_api_key",
    "sign_in",
    "sign_out",
]
