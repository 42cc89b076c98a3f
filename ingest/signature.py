"""Signed messages: what a gateway says, and under it who says so.

A gateway of `signed: true` puts one line under each message: the HMAC-SHA256, in hexadecimal, of
its topic, a line feed and the message. The key is the gateway's own and known to the centre
(`NENGTAN_GATEWAY_KEYS_FOLDER`); the topic is in it, so that nothing signed for one place counts in
another. A message sent again is found by its readings, as any other.
"""

import hmac
from hashlib import sha256


def sign(key: bytes, topic: str, body: bytes) -> bytes:
    """Return a message with its signature under it."""
    return body + b"\n" + _digest(key, topic, body)


def body_of(key: bytes, topic: str, payload: bytes) -> bytes | None:
    """Return what was signed, or None if this key did not sign it for this topic."""
    body, _, signature = payload.rpartition(b"\n")
    return body if hmac.compare_digest(signature, _digest(key, topic, body)) else None


def _digest(key: bytes, topic: str, body: bytes) -> bytes:
    return hmac.new(key, topic.encode() + b"\n" + body, sha256).hexdigest().encode()
