"""Signatures of messages: the vectors of RFC 4231, and what a forger may try."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.signature import body_of, sign

TOPIC = "nengtan/v1/acme/main/gw/telemetry"
KEY = b"k" * 32
KEYS = st.binary(min_size=32, max_size=80)
TOPICS = st.sampled_from([TOPIC, "nengtan/v1/acme/main/gw-2/telemetry"])


def twin(key: bytes, text: bytes) -> str:
    """Return HMAC-SHA256 as RFC 2104 writes it."""
    key = (sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    inner = sha256(bytes(byte ^ 0x36 for byte in key) + text).digest()
    return sha256(bytes(byte ^ 0x5C for byte in key) + inner).hexdigest()


class TestTheTwin:
    @pytest.mark.parametrize(
        ("key", "text", "digest"),
        [
            (
                b"\x0b" * 20,
                b"Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
        ],
    )
    def test_gives_the_vectors_of_rfc_4231(self, key: bytes, text: bytes, digest: str) -> None:
        assert twin(key, text) == digest


class TestAMessage:
    @given(KEYS, TOPICS, st.binary(max_size=200))
    def test_is_what_was_signed(self, key: bytes, topic: str, body: bytes) -> None:
        payload = sign(key, topic, body)
        assert payload == body + b"\n" + twin(key, topic.encode() + b"\n" + body).encode()
        assert body_of(key, topic, payload) == body

    @given(st.binary(max_size=60), st.integers(0), st.integers(1, 255))
    def test_of_which_a_bit_was_changed_is_not(self, body: bytes, place: int, change: int) -> None:
        payload = bytearray(sign(KEY, TOPIC, body))
        payload[place % len(payload)] ^= change
        assert body_of(KEY, TOPIC, bytes(payload)) is None

    @given(st.binary(max_size=60))
    def test_of_another_key_or_topic_or_of_none_is_not(self, body: bytes) -> None:
        assert body_of(KEY, TOPIC, body) is None
        assert body_of(KEY, TOPIC, sign(KEY[:-1] + b"l", TOPIC, body)) is None
        assert body_of(KEY, TOPIC, sign(KEY, TOPIC + "x", body)) is None
