"""Passwords: which are fit, and how they are hashed (argon2id, RFC 9106) without filling memory."""

import asyncio
import secrets
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from services.refusal import Refusal

LENGTH_MIN = 10
LENGTH_MAX = 128
_KIND_MIN = 3
_WEAK_STEMS = ("password", "passw0rd", "qwerty", "letmein", "welcome", "nengtan", "admin", "12345")

# Each hash takes 64 MiB: two at a time bound the memory, and the queue bounds the wait.
_HASH_AT_ONCE = 2
_QUEUE_MAX = 32
_threads = ThreadPoolExecutor(_HASH_AT_ONCE, thread_name_prefix="password")
_queue: set[object] = set()


class SignInBusy(Refusal):
    """More sign-ins at once than the centre will check."""

    code = "busy"


class PasswordUnfit(Refusal):
    """A new password that would be guessed, or cannot be typed."""

    code = "password_unfit"


def check_password(password: str, *, login: str) -> None:
    """Refuse a password that is short, long, plain or full of what cannot be typed.

    Raises
    ------
    PasswordUnfit
        If it is.
    """
    lowered = password.lower()
    kinds = (
        any(character.islower() for character in password),
        any(character.isupper() for character in password),
        any(character.isdigit() for character in password),
        any(not character.isalnum() for character in password),
    )
    hidden = any(unicodedata.category(character).startswith("C") for character in password)
    weak = any(stem in lowered for stem in _WEAK_STEMS) or login.lower() in lowered
    fit_length = LENGTH_MIN <= len(password) <= LENGTH_MAX
    if not fit_length or sum(kinds) < _KIND_MIN or hidden or weak:
        raise PasswordUnfit(
            f"the password needs {LENGTH_MIN} to {LENGTH_MAX} visible characters, three kinds of"
            " lower case, upper case, digits and signs, and neither the login nor a widespread"
            " password in it",
            f"密码须为 {LENGTH_MIN} 至 {LENGTH_MAX} 个可见字符，含小写、大写、数字、符号中的三类，"
            "且不含账号或常见密码",
            pointer="password",
        )


async def hash_password(password: str) -> str:
    """Return the hash that is stored."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_threads, _hasher().hash, password)


async def matches(password_hash: str | None, password: str) -> bool:
    """Return whether the password is the hashed one; None is nobody's, and costs the same.

    Raises
    ------
    SignInBusy
        If too many wait already.
    """
    if len(_queue) >= _QUEUE_MAX:
        raise SignInBusy(
            "too many sign-ins at once: try again in a minute", "登录过于频繁：请一分钟后再试"
        )
    place = object()
    _queue.add(place)
    try:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(_threads, _matches, password_hash, password)
    finally:
        _queue.discard(place)


def is_stale(password_hash: str) -> bool:
    """Return whether the hash was made at another cost than today's."""
    return _hasher().check_needs_rehash(password_hash)


def _matches(password_hash: str | None, password: str) -> bool:
    # Hashing is linear in the length: what no account can have is not hashed in full.
    candidate = password if len(password) <= LENGTH_MAX else ""
    # Asked for in any case: making it takes as long as a check, once.
    nobodys_hash = _nobodys_hash()
    try:
        return _hasher().verify(password_hash or nobodys_hash, candidate)
    except VerifyMismatchError:
        return False


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _nobodys_hash() -> str:
    return _hasher().hash(secrets.token_urlsafe(32))
