"""Strict JSON: what is refused as a whole, and what is left as a fault in its place."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.decode.strict_json import Fault, Refused, Repeated, load, show
from tests.twins.decode import number_code

BOM = b"\xef\xbb\xbf"


def value_of(token: str) -> object:
    return load(b'{"v":%b}' % token.encode()).root["v"]


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", "empty"),
        (b" \r\n\t", "empty"),
        (BOM, "empty"),
        (b"null", "empty"),
        (b"[]", "empty"),
        (b"{}", "empty"),
        (b" { } ", "empty"),
        (b'{"a":1', "json"),
        (b'{"a":1,}', "json"),
        (b'{"a":1}{"a":1}', "json"),
        (b'{"a":1} x', "json"),
        (b"{'a':1}", "json"),
        (b'{"a":01}', "json"),
        (b'{"a":+1}', "json"),
        (b'{"a":"\n"}', "json"),
        (b"hello", "json"),
        (BOM + BOM + b'{"a":1}', "json"),
        ('{"电表":1}'.encode("gbk"), "encoding"),
        ('{"电表":1}'.encode("utf-16"), "encoding"),
        ('{"电表":1}'.encode("utf-16-le"), "encoding"),
        ('{"电表":1}'.encode("utf-16-be"), "encoding"),
        ('{"电表":1}'.encode("utf-32"), "encoding"),
        (b'{"\xff":1}', "encoding"),
        (b'{"\xc0\x80":1}', "encoding"),
        (b'{"\xed\xa0\x80":1}', "encoding"),
        (b'{"a\x00b":1}', "nul"),
        (b"[" * 100_000, "depth"),
        (b'{"a":' * 17 + b"1" + b"}" * 17, "depth"),
        (b'{"a":1,"a":2}', "duplicate_key"),
        (b'{"x":{"a":1,"\\u0061":2}}', "duplicate_key"),
        (b"\x1f\x8b\x08\x00\x00\x00\x00\x00", "format"),
        (b"\x78\x9c\xab\x56", "format"),
        (b"\xa2\x61\x61\x01\x61\x62\x02", "format"),
        (b"\x08\x96\x01\x12\x04tags", "format"),
        (b"5", "type"),
        (b'"{}"', "type"),
        (b"true", "type"),
        (b"[1]", "type"),
        (b"NaN", "nonfinite"),
        (b'{"a":"' + b"x" * 1_048_576 + b'"}', "too_large"),
    ],
    ids=lambda value: repr(value)[:24],
)
class TestLoad:
    def test_refuses(self, payload: bytes, code: str) -> None:
        with pytest.raises(Refused) as caught:
            load(payload).refuse_repeated()
        assert caught.value.code == code
        assert caught.value.detail.isprintable()


class TestWhatIsTaken:
    def test_accepts_a_byte_order_mark_and_space_around(self) -> None:
        assert load(BOM + b' \n{"a":1}\r\n').root == {"a": 1}

    def test_accepts_the_deepest_nesting(self) -> None:
        assert load(b'{"a":' + b"[" * 15 + b'"]]]["' + b"]" * 15 + b"}").repeated == []

    def test_does_not_take_brackets_in_text_for_nesting(self) -> None:
        assert load(b'{"a":"\\"%b"}' % (b"[{" * 50)).root == {"a": '"' + "[{" * 50}

    def test_leaves_an_excused_repetition_in_its_place(self) -> None:
        document = load(b'{"points":{"a":1,"a":2}}')
        points = document.root["points"]
        assert isinstance(points, Repeated)
        assert points.pairs == [("a", 1), ("a", 2)]
        document.refuse_repeated(points)
        with pytest.raises(Refused):
            document.refuse_repeated(None)

    def test_answers_a_bomb_of_brackets_within_10_ms(self) -> None:
        payload = b'{"a":' + b"[" * 1_000_000
        start = time.thread_time()  # whatever else the machine does meanwhile
        with pytest.raises(Refused):
            load(payload)
        assert time.thread_time() - start < 0.01

    def test_finds_one_repetition_among_many_keys_quickly(self) -> None:
        keys = b",".join(b'"%d":1' % i for i in range(90_000))
        start = time.perf_counter()
        with pytest.raises(Refused):
            load(b'{%b,"89999":1}' % keys).refuse_repeated()
        assert time.perf_counter() - start < 2


class TestNumbers:
    @pytest.mark.parametrize(
        ("token", "code"),
        [
            ("NaN", "nonfinite"),
            ("Infinity", "nonfinite"),
            ("-Infinity", "nonfinite"),
            ("1e400", "range"),
            ("-1e308", "range"),
            ("1e-400", "range"),
            ("5e-324", "range"),
            ("1e101", "range"),
            ("9" * 5000, "range"),
            ("9" * 5000 + ".5", "precision"),
            ("0." + "1" * 5000, "precision"),
            ("123456789012345678901234567890", "precision"),
            ("9007199254740993", "precision"),
            ("-9007199254740993", "precision"),
            ("0.300000000000000044408920985006", "precision"),
            ("1234567890123456.78", "precision"),
        ],
    )
    def test_leaves_a_fault_where_a_number_cannot_be_kept(self, token: str, code: str) -> None:
        fault = value_of(token)
        assert isinstance(fault, Fault)
        assert fault.code == code
        assert len(fault.detail) < 200

    @pytest.mark.parametrize(
        ("token", "value"),
        [
            ("9007199254740992", 2**53),
            ("-9007199254740992", -(2**53)),
            ("0.30000000000000004", 0.1 + 0.2),
            ("0.10000000000000000000000", 0.1),
            ("0.000000000000000000000012", 1.2e-23),
            ("1.2345678901234567e+12", 1.2345678901234567e12),
            ("0e999", 0.0),
            ("1E2", 100.0),
        ],
    )
    def test_keeps_what_a_double_can_tell_apart(self, token: str, value: float) -> None:
        assert value_of(token) == value

    @pytest.mark.parametrize("token", ["-0", "-0.0", "-0e5"])
    def test_takes_negative_zero_as_zero(self, token: str) -> None:
        assert str(value_of(token)) in {"0", "0.0"}

    @given(
        st.from_regex(
            r"-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,22})?([eE][+-]?[0-9]{1,3})?", fullmatch=True
        )
    )
    def test_judges_as_exact_arithmetic_does(self, token: str) -> None:
        value = value_of(token)
        assert (value.code if isinstance(value, Fault) else None) == number_code(token)
        if not isinstance(value, Fault):
            assert value == float(token)


class TestShow:
    def test_escapes_what_would_not_be_seen(self) -> None:
        assert show('a\u202e\x00\ud800"\\') == '"a\\u202e\\u0000\\ud800\\"\\\\"'

    def test_keeps_chinese_and_cuts_what_is_long(self) -> None:
        assert show("电表" * 200) == '"' + "电表" * 29 + "电…" + '"'
