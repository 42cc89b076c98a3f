"""The fast and the strict decoder say the same, and no bytes whatever make them raise."""

import json
import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from compute.messages import FORM_NENGTAN, FORM_NEURON, scan_block
from compute.names import name_table
from ingest.decode import FORMS, decode
from ingest.decode.fields import clean_name
from ingest.reading import Decoded
from ingest.registry import written
from tests.twins.decode import nengtan_rows, neuron_rows, rows_of

TS_MS = st.integers(946_684_800_000, 4_102_444_799_999)
TS_TEXT = st.sampled_from(["2026-03-01T08:00:00Z", "2026-03-01T08:00:00.123+08:00"])
NAMES = st.one_of(
    st.from_regex(r"[A-Za-z0-9_./-]{1,24}", fullmatch=True),
    st.sampled_from(["电表1", "3330009000100123456789", "P1e5", "12E-4", "-0", "气·总", "e\u0301"]),
)
PLAIN_VALUES = st.one_of(
    st.integers(-(2**53), 2**53),
    st.floats(-1e90, 1e90, allow_nan=False).map(lambda x: 0.0 if abs(x) < 1e-90 else x),
    st.decimals(-100_000, 100_000, places=3).map(float),
    st.sampled_from([0, 0.0, -0.0, 230.12345678901234, 1e-5, 999_999_999_999_999, 2**53]),
)
ODD_VALUES: st.SearchStrategy[object] = st.one_of(
    st.sampled_from(
        [True, None, "1", "NaN", [], {}, float("nan"), float("-inf"), 2**53 + 1, 1e300, 5e-324]
    ),
    st.integers(),
    st.floats(),
)
ODD_TEXT = st.one_of(st.text(max_size=8), st.sampled_from(["a\u202e", "\x7f", "", '"', "\\"]))


def nengtan_messages(
    names: st.SearchStrategy[str], values: st.SearchStrategy[object]
) -> st.SearchStrategy[dict[str, object]]:
    head = {
        "epoch": st.from_regex(r"[a-z0-9.:_-]{1,9}", fullmatch=True),
        "seq": st.integers(1, 2**53),
    }
    points = st.dictionaries(names, values, min_size=1, max_size=8)
    reading = st.tuples(names, TS_MS | TS_TEXT, values)
    return st.one_of(
        st.fixed_dictionaries({**head, "ts": TS_MS | TS_TEXT, "points": points}),
        st.fixed_dictionaries({**head, "readings": st.lists(reading, min_size=1, max_size=8)}),
    )


def neuron_messages(
    names: st.SearchStrategy[str], values: st.SearchStrategy[object]
) -> st.SearchStrategy[dict[str, object]]:
    head = {"timestamp": TS_MS, "node": names, "group": names}
    errors = st.integers(1, 9999)
    tag = st.one_of(
        st.fixed_dictionaries({"name": names, "value": values}, optional={"type": st.just(3)}),
        st.fixed_dictionaries({"name": names, "error": errors}),
    )
    return st.one_of(
        st.fixed_dictionaries(
            {**head, "values": st.dictionaries(names, values, min_size=1, max_size=8)},
            optional={"errors": st.dictionaries(names, errors), "metas": st.just({})},
        ),
        st.fixed_dictionaries({**head, "tags": st.lists(tag, min_size=1, max_size=8)}),
    )


INSERTS = [b'"', b"\\", b",", b"[", b"}", b"e9", b"0" * 17, b".", b"-"]
MESSAGES = {"nengtan": nengtan_messages, "neuron": neuron_messages}
TWINS = {"nengtan": nengtan_rows, "neuron": neuron_rows}


def payloads(
    messages: st.SearchStrategy[dict[str, object]],
) -> st.SearchStrategy[bytes]:
    def write(message: dict[str, object], *, spaced: bool, escaped: bool) -> bytes:
        separators = (", ", " : ") if spaced else (",", ":")
        text = json.dumps(message, separators=separators, ensure_ascii=escaped)
        return text.encode(errors="surrogatepass")

    return st.builds(write, messages, spaced=st.booleans(), escaped=st.booleans())


def facts(decoded: Decoded) -> object:
    rows = [repr(row) for row in rows_of(decoded)]  # repr tells -0.0 from 0.0 and shows NaN
    return (
        rows,
        list(decoded.item),
        decoded.epoch,
        decoded.seq,
        decoded.rejected,
        decoded.item_count,
    )


def assert_agreement(form: str, payload: bytes) -> None:
    strict = FORMS[form].strict(payload)
    fast = FORMS[form].fast(payload)
    if fast is not None:
        assert facts(fast) == facts(strict)
    assert facts(decode(form, payload)) == facts(strict)
    assert len({len(column) for column in (strict.name, strict.ts_us, strict.value)}) == 1
    whole = [rejection for rejection in strict.rejected if rejection.item < 0]
    if whole:
        assert len(strict.rejected) == 1
        assert not strict.name
    else:
        assert sorted([*strict.item, *(r.item for r in strict.rejected)]) == list(
            range(strict.item_count)
        )
    for rejection in strict.rejected:
        assert rejection.detail.isprintable()
        assert len(rejection.detail) < 400
    assert_block_agreement(form, [payload])


def assert_block_agreement(form: str, payloads: Sequence[bytes]) -> list[bool]:
    """Compare a block, read at once, with its messages read one by one; tell which it took."""
    strict = [FORMS[form].strict(payload) for payload in payloads]
    rows = {name: row for row, name in enumerate({n for one in strict for n in one.name})}
    text = b"".join(payloads)
    count = len(payloads)
    found = scan_block(
        text,
        np.cumsum([0, *map(len, payloads)], dtype=np.int64),
        form=np.full(count, {"nengtan": FORM_NENGTAN, "neuron": FORM_NEURON}[form], np.int32),
        gateway=np.zeros(count, np.int32),
        flags=np.zeros(count, np.int32),
        names=name_table([written(rows)]),
        row_count=len(rows),
        reading_count_max=5_000,
    )
    names = {row: name for name, row in rows.items()}
    for index, one in enumerate(strict):
        if found.reading_count[index] < 0:
            continue
        here = found.message_index == index
        start, stop = found.epoch_from[index], found.epoch_to[index]
        decoded = Decoded(
            name=[names[row] for row in found.row[here].tolist()],
            ts_us=found.ts_us[here].tolist(),
            value=found.value[here].tolist(),
            quality=found.quality[here].tolist(),
            item=found.item[here].tolist(),
            epoch=text[start:stop].decode() or None,
            seq=int(found.seq[index]) or None,
            item_count=int(found.reading_count[index]),
        )
        assert facts(decoded) == facts(one)
    assert found.message_index.tolist() == sorted(found.message_index.tolist())
    return [count >= 0 for count in found.reading_count.tolist()]


def mutated(payload: bytes, seed: int) -> bytes:
    chance = random.Random(seed)  # noqa: S311 - a repeatable mess, not a secret
    body = bytearray(payload)
    for _ in range(chance.randint(1, 4)):
        if not body:
            break
        at = chance.randrange(len(body))
        pick = chance.randrange(5)
        if pick == 0:
            body[at] = chance.randrange(256)
        elif pick == 1:
            body[at : at + 1] = b""
        elif pick == 2:
            body[at:at] = chance.choice(
                [b'"', b"\\", b",", b"[", b"}", b"e9", b"0" * 17, b".", b"-"]
            )
        elif pick == 3:
            body[at:at] = body[at : at + chance.randint(1, 20)]
        else:
            del body[at:]
            body += b"}"
    return bytes(body)


@pytest.mark.parametrize("form", sorted(FORMS))
class TestAgreement:
    @given(data=st.data())
    def test_holds_for_good_messages_and_their_twin(self, form: str, data: st.DataObject) -> None:
        payload = data.draw(payloads(MESSAGES[form](NAMES, PLAIN_VALUES)))
        decoded = decode(form, payload)
        assert decoded.rejected == []
        expected = [
            (clean_name(name), ts_us, value + 0.0, quality)
            for name, ts_us, value, quality in TWINS[form](payload)
        ]
        assert repr(rows_of(decoded)) == repr(expected)
        assert_agreement(form, payload)

    @given(data=st.data())
    def test_holds_for_odd_messages(self, form: str, data: st.DataObject) -> None:
        messages = MESSAGES[form](NAMES | ODD_TEXT, PLAIN_VALUES | ODD_VALUES)
        assert_agreement(form, data.draw(payloads(messages)))

    @given(data=st.data())
    def test_holds_for_messages_damaged_on_the_way(self, form: str, data: st.DataObject) -> None:
        payload = data.draw(payloads(MESSAGES[form](NAMES, PLAIN_VALUES)))
        for seed in range(8):
            assert_agreement(form, mutated(payload, data.draw(st.integers(0, 2**32)) + seed))

    @given(data=st.data())
    def test_holds_for_good_and_damaged_messages_in_one_block(
        self, form: str, data: st.DataObject
    ) -> None:
        good = data.draw(
            st.lists(payloads(MESSAGES[form](NAMES, PLAIN_VALUES)), min_size=1, max_size=6)
        )
        seed = data.draw(st.integers(0, 2**32))
        assert_block_agreement(form, [*good, *(mutated(one, seed) for one in good), *good])

    @given(payload=st.binary(max_size=200))
    @example(payload=b'{"epoch":"e","seq":1,"ts":1772323200000,"points":{"P1":1,"P1":2}}')
    @example(payload=b'{"epoch":"e","seq":1,"seq":1,"ts":1772323200000,"points":{"P1":1}}')
    @example(payload=b'{"epoch":"e","seq":1,"ts":1772323200000,"points":{"P1":1e-400}}')
    @example(payload=b'{"epoch":"e","seq":1,"ts":1772323200000,"points":{"P1":12345678901234567}}')
    @example(
        payload=b'{"epoch":"e","seq":1,"ts":1772323200000,"points":{"P1":1234567890.123456789}}'
    )
    def test_holds_for_any_bytes(self, form: str, payload: bytes) -> None:
        assert_agreement(form, payload)

    def test_is_mostly_the_fast_one_for_ordinary_messages(self, form: str) -> None:
        ordinary = {
            "nengtan": b'{"epoch":"e","seq":1,"ts":1772323200000,"points":{"P1":1.5,"Q1e":-0.25}}',
            "neuron": b'{"timestamp":1772323200000,"node":"n","group":"g","values":{"t":1.5},'
            b'"errors":{"u":2014},"metas":{}}',
        }
        assert FORMS[form].fast(ordinary[form]) is not None
        assert assert_block_agreement(form, [ordinary[form]] * 3) == [True] * 3

    def test_takes_no_part_of_a_message_from_its_neighbour(self, form: str) -> None:
        whole = {
            "nengtan": b'{"epoch":"e","seq":1,"ts":1772323200000,"points":{"P1":12}}',
            "neuron": b'{"timestamp":1772323200000,"node":"n","group":"g","values":{"t":12}}',
        }[form]
        for cut in range(len(whole)):
            parts = [whole, whole[:cut], whole[cut:], whole]
            assert assert_block_agreement(form, parts) == [True, False, cut == 0, True]
