"""Our own form."""

import json
from typing import Any

import pytest

from ingest.decode import FORMS, MEANING, Code, UnknownForm, decode
from ingest.reading import Decoded
from tests.twins.decode import rows_of

TS = 1_772_323_200_000


def message(**changes: object) -> bytes:
    whole: dict[str, object] = {"epoch": "e-1", "seq": 17, "ts": TS, "points": {"P1": 1.5}}
    whole.update(changes)
    return json.dumps({key: value for key, value in whole.items() if value is not ...}).encode()


def nengtan(payload: bytes) -> Decoded:
    return decode("nengtan", payload)


def codes(decoded: Decoded) -> list[tuple[int, str]]:
    return [(rejection.item, rejection.code) for rejection in decoded.rejected]


def raw_points(points: str) -> bytes:
    return b'{"epoch":"e","seq":1,"ts":%d,"points":{%b}}' % (TS, points.encode())


class TestPoints:
    def test_are_columns_at_one_time(self) -> None:
        decoded = nengtan(message(points={"P1": 1.5, "P2": -2, "电表": 0}))
        assert rows_of(decoded) == [
            ("P1", TS * 1000, 1.5, 0),
            ("P2", TS * 1000, -2.0, 0),
            ("电表", TS * 1000, 0.0, 0),
        ]
        assert (decoded.epoch, decoded.seq, decoded.item_count) == ("e-1", 17, 3)
        assert list(decoded.item) == [0, 1, 2]
        assert decoded.rejected == []

    def test_take_rfc_3339_time(self) -> None:
        assert list(nengtan(message(ts="2026-03-01T08:00:00+08:00")).ts_us) == [TS * 1000]

    def test_ignore_fields_that_are_not_known(self) -> None:
        decoded = nengtan(message(vendor={"v": [1, "x\u0000"]}, unit="kWh"))
        assert rows_of(decoded) == [("P1", TS * 1000, 1.5, 0)]

    def test_reject_one_bad_among_five_hundred_good(self) -> None:
        points: dict[str, object] = {f"P{i}": i for i in range(500)}
        points["P250"] = "12.5"
        decoded = nengtan(message(points=points))
        assert len(decoded.name) == 499
        assert 250 not in decoded.item
        assert decoded.item_count == 500
        assert codes(decoded) == [(250, "type")]
        assert decoded.rejected[0].detail == (
            'points["P250"]: the value is the text "12.5"; send a number'
        )

    def test_reject_both_values_of_a_repeated_point_and_keep_the_others(self) -> None:
        decoded = nengtan(raw_points('"P1":1,"P2":2,"P1":3'))
        assert list(decoded.name) == ["P2"]
        assert list(decoded.item) == [1]
        assert codes(decoded) == [(0, "duplicate_key"), (2, "duplicate_key")]

    @pytest.mark.parametrize(
        ("value", "code"),
        [
            ("NaN", "nonfinite"),
            ("Infinity", "nonfinite"),
            ("-Infinity", "nonfinite"),
            ('"NaN"', "type"),
            ('"12.5"', "type"),
            ('"1,234.5"', "type"),
            ('"１２"', "type"),
            ('"12 kWh"', "type"),
            ("true", "type"),
            ("null", "type"),
            ("[1]", "type"),
            ('{"v":1}', "type"),
            ("1e400", "range"),
            ("1e-400", "range"),
            ("-1e308", "range"),
            ("9" * 5000, "range"),
            ("123456789012345678901234567890", "precision"),
            ("0.300000000000000044408920985006", "precision"),
        ],
    )
    def test_reject_a_value_that_is_no_plain_number(self, value: str, code: str) -> None:
        decoded = nengtan(raw_points(f'"P1":{value},"P2":2'))
        assert list(decoded.name) == ["P2"]
        assert codes(decoded) == [(0, code)]

    @pytest.mark.parametrize(
        ("name", "code"),
        [
            ("a\\u0000b", "nul"),
            ("\\ud800", "encoding"),
            ("a\u202eb", "text"),
            ("a\u200bb", "text"),
            ("\x7f", "text"),
            ("", "text"),
            ("x" * 10_000, "text"),
        ],
        ids=lambda value: ascii(value)[:24],
    )
    def test_reject_a_name_that_could_not_be_stored_or_seen(self, name: str, code: str) -> None:
        decoded = nengtan(raw_points(f'"{name}":1,"P2":2'))
        assert list(decoded.name) == ["P2"]
        assert codes(decoded) == [(0, code)]
        assert decoded.rejected[0].detail.isprintable()

    @pytest.mark.parametrize(
        "name", ["__proto__", "${jndi:ldap://x}", "{{7*7}}", "'; DROP TABLE point", "<script>"]
    )
    def test_take_names_that_are_code_elsewhere_as_text(self, name: str) -> None:
        assert list(nengtan(message(points={name: 1})).name) == [name]

    def test_take_negative_zero_as_zero(self) -> None:
        values = nengtan(raw_points('"a":-0.0,"b":-0,"c":-0.5')).value
        assert [str(value) for value in values] == ["0.0", "0.0", "-0.5"]


class TestReadings:
    def test_have_a_time_each(self) -> None:
        readings = [["P1", TS, 1.0], ["P1", "2026-03-01T00:00:01Z", 2], ["P2", TS + 2, 3.5]]
        decoded = nengtan(message(ts=..., points=..., readings=readings))
        assert rows_of(decoded) == [
            ("P1", TS * 1000, 1.0, 0),
            ("P1", TS * 1000 + 1_000_000, 2.0, 0),
            ("P2", TS * 1000 + 2_000, 3.5, 0),
        ]

    def test_reject_each_bad_one_with_its_reason(self) -> None:
        readings: list[Any] = [
            ["P1", TS, 1.0],
            ["P1", TS],
            ["P1", TS, 1.0, 2],
            "P1",
            ["P1", 1_772_323_200, 1.0],
            ["P1", "2026-03-01T08:00:00", 1.0],
            [7, TS, 1.0],
            ["P2", TS, 2.0],
        ]
        decoded = nengtan(message(ts=..., points=..., readings=readings))
        assert list(decoded.item) == [0, 7]
        assert codes(decoded) == [
            (1, "type"),
            (2, "type"),
            (3, "type"),
            (4, "time"),
            (5, "time"),
            (6, "type"),
        ]
        assert decoded.item_count == 8


class TestWholeMessages:
    @pytest.mark.parametrize(
        ("payload", "code"),
        [
            (message(epoch=...), "missing_field"),
            (message(seq=...), "missing_field"),
            (message(ts=...), "missing_field"),
            (message(points=...), "missing_field"),
            (message(epoch=5), "type"),
            (message(epoch=""), "text"),
            (message(epoch="a b"), "text"),
            (message(epoch="x" * 65), "text"),
            (message(seq="17"), "type"),
            (message(seq=1.0), "type"),
            (message(seq=True), "type"),
            (message(seq=0), "range"),
            (message(seq=-1), "range"),
            (message(seq=2**53 + 1), "precision"),
            (message(ts=1_772_323_200), "time"),
            (message(ts=TS * 1000), "time"),
            (message(ts="2026-02-29T00:00:00Z"), "time"),
            (message(ts="2026-03-01T08:00:00"), "time"),
            (message(points=[]), "type"),
            (message(points={}), "empty"),
            (message(readings=[]), "duplicate_key"),
            (message(points=..., readings={}), "type"),
            (message(points=..., readings=[]), "empty"),
            (message(points={f"P{i}": 1 for i in range(5001)}), "too_many"),
            (message(points=..., readings=[["P", TS, 1]] * 10_000), "too_many"),
            (b'{"epoch":"e","seq":1,"seq":2,"ts":1,"points":{"P":1}}', "duplicate_key"),
            (message()[:-1], "json"),
            (message() + message(), "json"),
        ],
        ids=lambda value: repr(value)[:48],
    )
    def test_are_refused_once(self, payload: bytes, code: str) -> None:
        decoded = nengtan(payload)
        assert codes(decoded) == [(-1, code)]
        assert list(decoded.name) == []

    def test_are_named_even_when_refused(self) -> None:
        decoded = nengtan(message(ts=0))
        assert (decoded.epoch, decoded.seq, decoded.item_count) == ("e-1", 17, 1)

    def test_may_hold_five_thousand_readings(self) -> None:
        decoded = nengtan(message(points={f"P{i}": i for i in range(5000)}))
        assert len(decoded.name) == decoded.item_count == 5000

    def test_may_begin_with_a_byte_order_mark(self) -> None:
        assert list(nengtan(b"\xef\xbb\xbf" + message()).name) == ["P1"]

    def test_may_count_to_the_largest_exact_integer(self) -> None:
        assert nengtan(message(seq=2**53)).seq == 2**53


class TestForms:
    def test_are_named_by_the_description(self) -> None:
        with pytest.raises(UnknownForm, match="use one of nengtan, neuron"):
            decode("senml", b"{}")

    def test_all_refuse_nothing_at_all_as_empty(self) -> None:
        for form in FORMS:
            assert codes(decode(form, b"")) == [(-1, "empty")]

    def test_explain_every_code_in_both_languages(self) -> None:
        assert set(MEANING) == set(Code)
        assert all(chinese and english.isascii() for chinese, english in MEANING.values())
