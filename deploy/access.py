"""Who may say and hear what on a broker: one record, written out for each broker that is used."""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

# Mosquitto's own choice of hash and rounds for `mosquitto_passwd`, PBKDF2 with SHA-512.
_PBKDF2_ROUNDS = 101
_SALT_BYTES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One broker user: the password, and the topic filters of what it may publish and receive."""

    password: str
    publish: tuple[str, ...] = ()
    subscribe: tuple[str, ...] = ()


def values_access(tenant: str, password: str) -> Access:
    """Return what a reader of a tenant's live values may do: receive those, and say nothing."""
    return Access(password=password, subscribe=(f"nengtan/v1/{tenant}/+/value/+/+",))


def covers(allowed: str, asked: str) -> bool:
    """Return whether every topic that `asked` matches is also matched by the filter `allowed`.

    Both are MQTT topic filters; a plain topic is a filter that matches itself alone. Topics that
    begin with `$` belong to the broker and are covered only by a filter that says so.
    """
    if asked.startswith("$") and not allowed.startswith("$"):
        return False
    allowed_levels, asked_levels = allowed.split("/"), asked.split("/")
    for index, level in enumerate(allowed_levels):
        if level == "#":
            return True
        if index >= len(asked_levels):
            return False
        asked_level = asked_levels[index]
        if asked_level == "#" or level not in ("+", asked_level):
            return False
        # "a/#" matches "a" too, but "a/+" does not cover "a": the lengths are compared below.
    return len(allowed_levels) == len(asked_levels)


def mosquitto_passwords(users: Mapping[str, Access]) -> str:
    """Return the text of Mosquitto's password file."""
    return "".join(f"{name}:{_hashed(access.password)}\n" for name, access in sorted(users.items()))


def mosquitto_access_list(users: Mapping[str, Access]) -> str:
    """Return the text of Mosquitto's access list. What is not named is refused."""
    lines = []
    for name, access in sorted(users.items()):
        lines.append(f"user {name}")
        lines += [f"topic write {topic}" for topic in access.publish]
        lines += [f"topic read {topic}" for topic in access.subscribe]
    return "\n".join(lines) + "\n"


def _hashed(password: str) -> str:
    salt = secrets.token_bytes(_SALT_BYTES)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _PBKDF2_ROUNDS)
    parts = (
        "7",
        str(_PBKDF2_ROUNDS),
        *(base64.b64encode(part).decode() for part in (salt, digest)),
    )
    return "$" + "$".join(parts)
