"""What EMQX Neuron sends."""

import json
from math import isnan
from pathlib import Path
from typing import Any

import pytest

from compute.quality import Quality
from ingest.decode import decode
from ingest.reading import Decoded
from tests.twins.decode import rows_of

TS = 1_650_006_388_943
HEAD = {"timestamp": TS, "node": "modbus", "group": "grp"}
CASES = Path(__file__).parents[3] / "shared" / "cases" / "proto_neuron_mqtt_json.json"


def neuron(**fields: object) -> Decoded:
    whole = {key: value for key, value in (HEAD | fields).items() if value is not ...}
    return decode("neuron", json.dumps(whole).encode())


def codes(decoded: Decoded) -> list[tuple[int, str]]:
    return [(rejection.item, rejection.code) for rejection in decoded.rejected]


class TestValuesFormat:
    def test_names_a_point_by_node_group_and_tag(self) -> None:
        decoded = neuron(values={"tag0": 123, "tag2": 1.5}, metas={})
        assert rows_of(decoded) == [
            ("modbus/grp/tag0", TS * 1000, 123.0, 0),
            ("modbus/grp/tag2", TS * 1000, 1.5, 0),
        ]
        assert (decoded.epoch, decoded.seq) == (None, None)

    def test_keeps_an_error_as_a_bad_reading_without_value(self) -> None:
        decoded = neuron(values={"tag0": 123}, errors={"tag1": 2014}, metas={})
        assert list(decoded.name) == ["modbus/grp/tag0", "modbus/grp/tag1"]
        assert isnan(decoded.value[1])
        assert list(decoded.quality) == [0, Quality.SOURCE_BAD]
        assert decoded.rejected == []

    def test_rejects_static_text_and_switches(self) -> None:
        decoded = neuron(values={"place": "hall 1", "on": True, "tag0": 1}, errors={"e": "x"})
        assert list(decoded.item) == [2]
        assert codes(decoded) == [(0, "type"), (1, "type"), (3, "type")]

    def test_may_hold_errors_alone(self) -> None:
        assert list(neuron(errors={"tag1": 2014}).quality) == [Quality.SOURCE_BAD]


class TestTagsFormat:
    def test_has_values_and_errors_in_one_list(self) -> None:
        decoded = neuron(tags=[{"name": "tag0", "value": 123}, {"name": "tag1", "error": 2014}])
        assert list(decoded.name) == ["modbus/grp/tag0", "modbus/grp/tag1"]
        assert decoded.value[0] == 123.0
        assert isnan(decoded.value[1])
        assert list(decoded.quality) == [0, Quality.SOURCE_BAD]

    def test_takes_ecp_numbers_and_rejects_its_other_types(self) -> None:
        tags = [
            {"name": "tag_boolean", "value": True, "type": 1},
            {"name": "tag_int32", "value": 123, "type": 2},
            {"name": "tag_float", "value": 1.23, "type": 3},
            {"name": "tag_string", "value": "abcd", "type": 4},
        ]
        decoded = neuron(tags=tags)
        assert list(decoded.value) == [123.0, 1.23]
        assert codes(decoded) == [(0, "type"), (3, "type")]

    def test_prefers_the_error_unless_it_says_success(self) -> None:
        tags = [{"name": "a", "value": 1, "error": 0}, {"name": "b", "value": 1, "error": 3}]
        assert list(neuron(tags=tags).quality) == [0, Quality.SOURCE_BAD]

    def test_rejects_a_tag_without_name_or_value(self) -> None:
        tags: list[Any] = [{"name": "a"}, {"value": 1}, 5, {"name": "b", "error": True}]
        assert codes(neuron(tags=[*tags, {"name": "c", "value": 1}])) == [
            (0, "missing_field"),
            (1, "missing_field"),
            (2, "type"),
            (3, "type"),
        ]

    def test_rejects_a_name_too_long_with_its_node_and_group(self) -> None:
        tags = [{"name": "x" * 190, "value": 1}, {"name": "y", "value": 1}]
        assert codes(neuron(tags=tags)) == [(0, "text")]


class TestWholeMessages:
    @pytest.mark.parametrize(
        ("fields", "code"),
        [
            ({"timestamp": ..., "values": {"t": 1}}, "missing_field"),
            ({"node": ..., "values": {"t": 1}}, "missing_field"),
            ({"group": ..., "values": {"t": 1}}, "missing_field"),
            ({}, "missing_field"),
            ({"timestamp": 1_650_006_388, "values": {"t": 1}}, "time"),
            ({"node": 5, "values": {"t": 1}}, "type"),
            ({"node": "a\u202e", "values": {"t": 1}}, "text"),
            ({"values": []}, "type"),
            ({"values": {}, "errors": {}}, "empty"),
            ({"tags": []}, "empty"),
            ({"tags": {}}, "type"),
            ({"tags": [], "values": {}}, "duplicate_key"),
            ({"tags": [{"name": "t", "value": 1}] * 5001}, "too_many"),
            ({"states": [{"node": "modbus", "link": 1, "running": 3}]}, "missing_field"),
        ],
    )
    def test_are_refused_once(self, fields: dict[str, object], code: str) -> None:
        assert codes(neuron(**fields)) == [(-1, code)]


@pytest.mark.skipif(not CASES.exists(), reason="the reference cases are not beside the project")
class TestReferenceCases:
    @pytest.mark.parametrize("form", ["values_format", "tags_format", "ecp_format"])
    def test_are_read_as_documented(self, form: str) -> None:
        case = json.loads(CASES.read_text())
        document = case["inputs"][form]
        decoded = decode("neuron", json.dumps(document).encode())
        found = {
            name: (ts_us // 1000, None if isnan(value) else value, quality)
            for name, ts_us, value, quality in rows_of(decoded)
        }
        rejected = [rejection.item for rejection in decoded.rejected]
        for item, expected in enumerate(case["expected"][form]):
            value = expected["value"]
            if isinstance(value, bool | str):
                assert item in rejected
            else:
                quality = Quality.SOURCE_BAD if value is None else Quality.GOOD
                assert found[expected["key"]] == (document["timestamp"], value, quality)
