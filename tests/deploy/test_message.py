"""The form of a telemetry message."""

import json
import math
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.message import (
    MESSAGE_READING_COUNT_MAX,
    ReadingRefused,
    Receipt,
    ReceiptRefused,
    RejectedItem,
    decode_receipt,
    encode_message,
)

FINITE = st.floats(allow_nan=False, allow_infinity=False)
TIMES_US = st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999)
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)


def _time_us(text: int | str) -> int:
    if isinstance(text, int):
        return text * 1000
    return (
        datetime.fromisoformat(text) - datetime.fromisoformat("1970-01-01T00:00Z")
    ) // timedelta(microseconds=1)


class TestEncodeMessage:
    def test_has_the_documented_form(self) -> None:
        body = encode_message("e1", 17, [("P1", 1_700_000_000_000_000, 1.0)])
        assert body == b'{"epoch":"e1","seq":17,"readings":[["P1",1700000000000,1.0]]}'

    def test_writes_microseconds_as_rfc_3339(self) -> None:
        body = encode_message("e1", 1, [("P1", 1_700_000_000_000_001, 1.0)])
        assert json.loads(body)["readings"][0][1] == "2023-11-14T22:13:20.000001Z"

    @given(st.lists(st.tuples(NAMES, TIMES_US, FINITE), min_size=1, max_size=20))
    def test_reads_back_bit_for_bit(self, readings: list[tuple[str, int, float]]) -> None:
        body = encode_message("e1", 1, readings)
        for decode in (json.loads, msgspec.json.decode):
            found = [(name, _time_us(ts), value) for name, ts, value in decode(body)["readings"]]
            assert found == readings
            assert [math.copysign(1, row[2]) for row in found] == [
                math.copysign(1, row[2]) for row in readings
            ]

    def test_writes_whole_numbers_as_floats(self) -> None:
        body = encode_message("e1", 1, [("P1", 0, 3)])
        assert body.endswith(b'[["P1",0,3.0]]}')

    @pytest.mark.parametrize(
        ("reading", "reason"),
        [
            (("P1", 0, math.nan), "not finite"),
            (("P1", 0, math.inf), "not finite"),
            (("P1", 0, -math.inf), "not finite"),
            (("P1", 0, True), "not a number"),
            (("P1", 0, "1"), "not a number"),
            (("P1", 0, None), "not a number"),
            (("P1", 0, 2**53 + 1), "no exact float64"),
            (("", 0, 1.0), "name"),
            (("a\0b", 0, 1.0), "name"),
            (("\ud800", 0, 1.0), "name"),
            (("P1", 10**18, 1.0), "years"),
        ],
    )
    def test_refuses_what_cannot_be_sent(self, reading: Any, reason: str) -> None:
        with pytest.raises(ReadingRefused, match=reason):
            encode_message("e1", 1, [("P0", 0, 1.0), reading])

    def test_refuses_no_readings_and_too_many(self) -> None:
        for count in (0, MESSAGE_READING_COUNT_MAX + 1):
            with pytest.raises(ReadingRefused, match="put 1 to"):
                encode_message("e1", 1, [("P1", 0, 1.0)] * count)

    def test_refuses_more_than_the_broker_takes(self) -> None:
        with pytest.raises(ReadingRefused, match="bytes"):
            encode_message("e1", 1, [("x" * 1000, 0, 1.0)] * 1000)


class TestDecodeReceipt:
    def test_reads_the_documented_form(self) -> None:
        payload = (
            b'{"epoch":"e","seq":[[11,17]],"rejected":'
            b'[{"seq":15,"item":3,"code":"unknown_point","detail":"new"}],"also":1}'
        )
        assert decode_receipt(payload) == Receipt(
            "e", [(11, 17)], [RejectedItem(seq=15, item=3, code="unknown_point")]
        )

    def test_takes_an_item_as_the_whole_message_when_it_is_not_said(self) -> None:
        payload = b'{"epoch":"e","rejected":[{"seq":15,"code":"depth"}]}'
        assert decode_receipt(payload).rejected == [RejectedItem(seq=15, item=-1, code="depth")]

    @pytest.mark.parametrize(
        "payload", [b"", b"x", b"[]", b'{"seq":[[1,2]]}', b'{"epoch":"e","seq":[["1",2]]}', None]
    )
    def test_refuses_anything_else(self, payload: bytes | None) -> None:
        with pytest.raises(ReceiptRefused, match="receipt"):
            decode_receipt(payload)
