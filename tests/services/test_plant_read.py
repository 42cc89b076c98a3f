import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.plant import Plant, PlantInvalid, examine, read_plant
from services.plant.syntax import SIZE_BYTES_MAX, read_yaml
from tests.services.plant_documents import EXAMPLES, small

PYTHON_TAG = "tag:yaml.org,2002:python/name:os.x"


def yaml_codes(text: str) -> list[str]:
    return [item.code for item in examine(text, form="yaml")]


def spoiled(old: str, new: str) -> str:
    """Return the small document as YAML (JSON is YAML) with one place changed."""
    text = json.dumps(small(), indent=1)
    assert old in text
    return text.replace(old, new, 1)


class TestReadYaml:
    @pytest.mark.parametrize(
        ("old", "new", "code", "value"),
        [
            ('"feedstock": false', '"feedstock": no', "ambiguous", "no"),
            ('"multiplier": 80', '"multiplier": 1e3', "ambiguous", "1e3"),
            ('"multiplier": 80', '"multiplier": 080', "ambiguous", "080"),
            ('"multiplier": 80', '"multiplier": 0x50', "ambiguous", "0x50"),
            ('"multiplier": 80', '"multiplier": 8_0', "ambiguous", "8_0"),
            ('"multiplier": 80', '"multiplier": .inf', "ambiguous", ".inf"),
            ('"multiplier": 80', '"multiplier": .nan', "ambiguous", ".nan"),
            ('"multiplier": 80', f'"multiplier": {"9" * 20}', "ambiguous", "9" * 20),
            ('"multiplier": 80', '"multiplier": 1,5', "unknown_key", "5"),
            ('"multiplier": 80', '"multiplier": !!float "80"', "tag", "tag:yaml.org,2002:float"),
            ('"multiplier": 80', '"multiplier": !!python/name:os.x ""', "tag", PYTHON_TAG),
            ('"multiplier": 80', '"multiplier": *other', "alias", "*other"),
            ('"region":', '"site": "other", "region":', "duplicate_key", "site"),
            ('"region": "320000"', '"region": 320000', "not_text", 320000),
            ('"region": "320000"', '<<: {region: "320000"}', "unknown_key", "<<"),
        ],
    )
    def test_refuses_what_readers_disagree_about(
        self, old: str, new: str, code: str, value: object
    ) -> None:
        text = spoiled('"carrier": "electricity"', '"carrier": "electricity", "feedstock": false')
        found = [
            item for item in examine(text.replace(old, new, 1), form="yaml") if item.code == code
        ]
        assert [item.value for item in found] == [value]
        assert found[0].line is not None

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("a:\n\t- 1", "tab"),
            ("a: [1", "syntax"),
            ("a: 1\n---\nb: 2", "documents"),
            ("? [a]\n: 1", "key"),
            ("[" * 3000, "too_deep"),
            ("a: &a [*a]", "alias"),
            ("a: \x01", "syntax"),
        ],
    )
    def test_names_the_fault_of_the_text(self, text: str, code: str) -> None:
        assert code in yaml_codes(text)

    def test_refuses_an_anchor_bomb_quickly(self) -> None:
        lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
        lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
        start = time.perf_counter()
        assert yaml_codes("\n".join(lines)) == ["too_many"]
        assert time.perf_counter() - start < 2.0

    def test_takes_an_alias_for_what_it_stands_for(self) -> None:
        data = read_yaml("a: &x {b: [1, 2.5, true, ~, on-line, 12:30]}\nc: *x").data
        once = {"b": [1, 2.5, True, None, "on-line", "12:30"]}
        assert data == {"a": once, "c": once}

    def test_keeps_words_in_quotes_as_text(self) -> None:
        assert read_yaml("- \"no\"\n- '1e3'\n- 'null'").data == ["no", "1e3", "null"]

    def test_says_the_line(self) -> None:
        text = EXAMPLES[-1].read_text(encoding="utf-8").replace("kind: source", "kind: sauce")
        found = examine(text, form="yaml")[0]
        assert found.nearest == "source"
        assert "sauce" in text.splitlines()[(found.line or 0) - 1]

    def test_refuses_what_is_too_large(self) -> None:
        assert yaml_codes("#" * (SIZE_BYTES_MAX + 1)) == ["too_large"]

    @pytest.mark.parametrize("content", [b"\xff\xfe\x00a", b"a: \xe9"])
    def test_refuses_what_is_not_utf8(self, content: bytes) -> None:
        assert [item.code for item in examine(content, form="yaml")] == ["encoding"]

    def test_takes_a_byte_order_mark(self) -> None:
        content = b"\xef\xbb\xbf" + EXAMPLES[0].read_bytes()
        assert isinstance(read_plant(content, form="yaml"), Plant)

    @given(st.text(max_size=200))
    def test_never_fails_otherwise_on_any_text(self, text: str) -> None:
        assert examine(text, form="yaml")


class TestReadJson:
    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("{", "syntax"),
            ('{"a": NaN}', "syntax"),
            ('{"a": -Infinity}', "syntax"),
            ('{"a": ' + "9" * 5000 + "}", "syntax"),
            ("[" * 100_000, "too_deep"),
            ("[" * 40 + "]" * 40, "too_deep"),
            ('{"schema": 1, "schema": 2}', "duplicate_key"),
            ('{"tenant": "\\ud800"}', "text_hidden"),
        ],
    )
    def test_names_the_fault_of_the_text(self, text: str, code: str) -> None:
        assert code in [item.code for item in examine(text, form="json")]

    def test_finds_duplicate_keys_below_the_top(self) -> None:
        text = json.dumps(small()).replace('"multiplier": 80', '"multiplier": 80, "multiplier": 81')
        found = examine(text, form="json")
        assert [(item.code, item.path) for item in found] == [
            ("duplicate_key", "meters[0].points[0].multiplier")
        ]

    @given(st.text(max_size=200))
    def test_never_fails_otherwise_on_any_text(self, text: str) -> None:
        assert examine(text, form="json")

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
            max_leaves=10,
        ),
        st.sampled_from([*small()]),
    )
    def test_never_fails_otherwise_on_any_value(self, value: object, key: str) -> None:
        found = [
            item.severity for item in examine(json.dumps({**small(), key: value}), form="json")
        ]
        # Errors come first, whatever was given.
        assert found == sorted(found, key=("error", "warning").index)


class TestReadPlant:
    @pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
    def test_takes_every_example(self, path: Path) -> None:
        plant = read_plant(path.read_bytes(), form="yaml")
        assert read_plant(plant.model_dump_json(), form="json") == plant
        assert read_plant(plant.model_dump_json(exclude_defaults=True), form="json") == plant

    def test_raises_with_every_finding(self) -> None:
        with pytest.raises(PlantInvalid) as caught:
            read_plant("{}", form="json")
        missing = {item.path for item in caught.value.findings if item.code == "missing"}
        assert missing == {
            "schema", "tenant", "site", "name", "valid_from", "time_zone", "region",
        }  # fmt: skip
        assert "time_zone" in str(caught.value)
