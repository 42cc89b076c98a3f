"""Tokens: 256 random bits behind a prefix that says what they are."""

import hashlib

KEY_PREFIX = "nt_"
SESSION_PREFIX = "ns_"
LENGTH_MAX = 128


def hashed(token: str) -> bytes:
    """Return what is stored of a token: 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
