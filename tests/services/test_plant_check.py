import json
from typing import Any, NamedTuple

import pytest

from services.plant import Finding, PlantInvalid, examine, read_plant
from tests.services.plant_documents import place_of, put, small

NAME = {"zh": "名", "en": "Name"}
P1 = "meters[0].points[0]"
P2 = "meters[1].points[0]"
P3 = "meters[2].points[0]"
NEURON = {"code": "n", "form": "neuron", "class": "best_effort", "topic": "/neuron/a"}
AS_GIVEN = object()


class Row(NamedTuple):
    """A value put at a path, and what must be found: there and of it, unless said otherwise."""

    path: str
    value: Any
    code: str
    nearest: str | None = None
    at: str | None = None
    shown: Any = AS_GIVEN


FORM_ROWS = [
    Row("time_zon", "x", "unknown_key", "time_zone", shown="time_zon"),
    Row("nodes[0].parrent", "plant", "unknown_key", "parent", shown="parrent"),
    Row(f"{P1}.multiplyer", 2, "unknown_key", "multiplier", shown="multiplyer"),
    Row("flows[0].from_node", "grid", "unknown_key", "from", shown="from_node"),
    Row("schema", "nengtan.plant/2", "choice", "nengtan.plant/1"),
    Row("nodes[0].kind", "convertion", "choice", "conversion"),
    Row(f"{P2}.kind", "guage", "choice", "gauge"),
    Row("base_interval_minutes", 10, "choice"),
    Row("tenant", None, "not_text"),
    Row("region", 320000, "not_text"),
    Row("region", "32", "region_form"),
    Row("day_start", "24:00", "clock_form"),
    Row("nodes[1].code", "grid/1", "code_form"),
    Row("nodes[1].code", "", "length"),
    Row("nodes[1].code", "x" * 65, "length"),
    Row("nodes[1].code", "..", "code_dots"),
    Row("name.en", "a\u202eb", "text_hidden"),
    Row("name.en", "   ", "text_blank"),
    Row("name", "plant", "not_mapping"),
    Row("flows", {}, "not_list", shown="{…}"),
    Row("flows[0].feedstock", "no", "not_boolean"),
    Row("flows[0].feedstock", 0, "not_boolean"),
    Row(f"{P1}.multiplier", "80", "not_number"),
    Row(f"{P1}.multiplier", True, "not_number"),
    Row(f"{P1}.multiplier", 0, "range"),
    Row(f"{P1}.multiplier", -1, "range"),
    Row(f"{P1}.digits.integer", 6.5, "not_whole"),
    Row(f"{P1}.digits.integer", 16, "range"),
    Row("meters[0].points", [], "length", shown="[…]"),
    Row("valid_from", "2025-01-01", "instant_form"),
    Row("valid_from", "2025-01-01T00:00:00", "instant_form"),
    Row("valid_from", "2026-02-29T00:00:00Z", "instant_form"),
    Row("valid_from", 1735689600, "instant_form"),
    Row("valid_from", "1970-01-01T00:00:00Z", "instant_range"),
    Row("meters[0].calibration_due", "2025-02-30", "day_form"),
]
MEANING_ROWS = [
    Row("time_zone", "Asia/Beijing", "unknown_zone", "Asia/Shanghai"),
    Row("time_zone", "北京时间", "unknown_zone", "Asia/Shanghai"),
    Row("time_zone", "Asia/Shanhai", "unknown_zone", "Asia/Shanghai"),
    Row("time_zone", "../etc/passwd", "unknown_zone"),
    Row("time_zone", "Asia", "unknown_zone"),
    Row(f"{P1}.time_zone", "Asia/Beijing", "unknown_zone", "Asia/Shanghai"),
    Row("region", "990000", "unknown_region"),
    Row("region", "CN-NORT", "unknown_region", "CN-NORTH"),
    Row("day_start", "08:10", "day_start_edge", "08:00"),
    Row(
        "valid_from",
        "2025-01-01T00:07:00+08:00",
        "valid_from_edge",
        "2025-01-01T00:00:00+08:00",
    ),
    Row("park", "demo", "park_is_self"),
    Row("nodes[0].parent", "plnt", "unknown_node", "plant"),
    Row("flows[1].to", "furnance", "unknown_node", "furnace"),
    Row("flows[1].metered_by[0].point", "p2", "unknown_point", "P2"),
    Row("flows[0].carrier", "electrcity", "unknown_carrier", "electricity"),
    Row("flows[0].carrier", "天然气", "unknown_carrier", "natural_gas"),
    Row("flows[0].carrier", "Raw coal", "unknown_carrier", "raw_coal"),
    Row("meters[0].gateway", "gw1", "unknown_gateway", "gw-1"),
    Row("meters[0].node", "bord", "unknown_node", "board"),
    Row("products[0].node", "furnac", "unknown_node", "furnace"),
    Row("products[0].metered_by[0].point", "P9", "unknown_point"),
    Row("flows[2].to", "board", "flow_to_itself"),
    Row("flows[0].metered_by[0].share", 0, "share_zero"),
    Row(
        "flows[0].metered_by[1]",
        {"point": "P1"},
        "point_twice",
        at="flows[0].metered_by[1].point",
        shown="P1",
    ),
    Row(
        "nodes[5]",
        {"code": "grid", "name": NAME, "kind": "use"},
        "duplicate_code",
        at="nodes[5].code",
        shown="grid",
    ),
    Row(
        "gateways[1]",
        {"code": "gw-1", "username": "b"},
        "duplicate_code",
        at="gateways[1].code",
        shown="gw-1",
    ),
    Row(f"{P2}.code", "P1", "duplicate_code"),
    Row("flows[1].code", "grid-in", "duplicate_code"),
    Row("meters[1].code", "M1", "duplicate_code"),
    Row(
        "gateways[1]",
        {"code": "gw:2"},
        "username_form",
        at="gateways[1].code",
        shown="demo.main.gw:2",
    ),
    Row(
        "gateways[1]",
        {"code": "value"},
        "reserved_gateway",
        at="gateways[1].code",
        shown="value",
    ),
    Row(
        "gateways[1]",
        {"code": "b", "username": "demo.main.gw-1"},
        "duplicate_username",
        at="gateways[1].username",
        shown="demo.main.gw-1",
    ),
    Row("gateways[0].topic", "a/b", "topic_unused"),
    Row(
        "gateways[1]",
        {**NEURON, "topic": None},
        "topic_missing",
        at="gateways[1].topic",
        shown=None,
    ),
    Row(
        "gateways[1]",
        {**NEURON, "class": "receipted"},
        "class_form",
        "acknowledged",
        at="gateways[1].class",
        shown="receipted",
    ),
    Row(
        "gateways[1]",
        {**NEURON, "topic": "a/#"},
        "topic_form",
        at="gateways[1].topic",
        shown="a/#",
    ),
    Row(
        "gateways[1]",
        {**NEURON, "topic": "nengtan/v1/x"},
        "topic_form",
        at="gateways[1].topic",
        shown="nengtan/v1/x",
    ),
    Row(f"{P2}.address", "P1", "address_shared"),
    Row(f"{P2}.digits", {"integer": 6}, "not_of_kind", shown="integer=6 decimal=0"),
    Row(f"{P1}.stamp", "end", "not_of_kind"),
    Row(f"{P3}.hold_seconds", 60, "not_of_kind"),
    Row(f"{P3}.stamp", None, "needed_of_kind"),
    Row(f"{P3}.period_minutes", None, "needed_of_kind"),
    Row(f"{P3}.period_minutes", 10, "period_base"),
    Row(f"{P1}.unit", "kWhh", "unknown_unit", "kWh"),
    Row(f"{P1}.unit", "kW", "rate_refused"),
    Row(f"{P2}.unit", "kWh", "rate_needed", at="flows[1].metered_by[0].point"),
    Row(f"{P1}.unit", "m3", "unit_mismatch", at="flows[0].metered_by[0].point", shown="P1"),
    Row("products[0].unit", "tt", "unknown_unit", "t"),
    Row(
        "products[0].unit",
        "piece",
        "unit_mismatch",
        at="products[0].metered_by[0].point",
        shown="P3",
    ),
]
UNBOUNDED = {"code": "P1", "kind": "register", "unit": "kWh"}
FEB, MAR = "2025-02-01T00:00:00+00:00", "2025-03-01T00:00:00+00:00"
LIFE = f"{P1}.life"
LIFE_ROWS = [
    Row(LIFE, [{"from": FEB}], "life_empty", at=f"{LIFE}[0]", shown=FEB),
    Row(
        LIFE,
        [{"from": MAR, "multiplier": 2}, {"from": FEB, "multiplier": 3}],
        "life_order",
        at=f"{LIFE}[1].from",
        shown=FEB,
    ),
    Row(
        LIFE,
        [{"from": FEB, "multiplier": 2}, {"from": FEB, "multiplier": 3}],
        "life_same_instant",
        at=f"{LIFE}[1].from",
        shown=FEB,
    ),
    Row(
        LIFE,
        [{"from": FEB, "retired": True}, {"from": MAR, "multiplier": 3}],
        "life_after_end",
        at=f"{LIFE}[1].from",
        shown=MAR,
    ),
    Row(
        LIFE,
        [{"from": FEB, "retired": True, "first_reading": 1}],
        "life_retired_more",
        at=f"{LIFE}[0].first_reading",
        shown=1.0,
    ),
    Row(
        LIFE,
        [{"from": FEB, "last_reading": 1_000_000}],
        "life_digits",
        at=f"{LIFE}[0].last_reading",
        shown=1_000_000.0,
    ),
    Row(
        LIFE,
        [{"from": FEB, "first_reading": 500_000}, {"from": MAR, "last_reading": 400_000}],
        "life_falls",
        at=f"{LIFE}[1].last_reading",
        shown=400_000.0,
    ),
    Row(
        f"{P2}.life",
        [{"from": FEB, "last_reading": 1}],
        "not_of_kind",
        at=f"{P2}.life[0].last_reading",
        shown=1.0,
    ),
    Row(
        "meters[0].calibrations",
        [{"certificate": "J", "calibrated_on": "2025-03-01", "due": "2025-02-01"}],
        "calibration_order",
        at="meters[0].calibrations[0].due",
        shown="2025-02-01",
    ),
]
WARNING_ROWS = [
    Row("region", "KR", "region_abroad"),
    Row("flows[2].from", "furnace", "use_gives"),
    Row("flows[2].from", "furnace", "unmetered", at="flows[2].metered_by"),
    Row("nodes[5]", {"code": "x", "name": NAME, "kind": "use"}, "node_alone"),
    Row("nodes[0].kind", "storage", "storage_one_way", at="nodes[0]"),
    Row("nodes[0].kind", "conversion", "bus_one_way", at="nodes[0]"),
    Row("products[0].metered_by", [], "point_unused", at=f"{P3}.code"),
    Row(f"{P3}.period_minutes", 60, "period_long"),
    Row(f"{P1}.valid_to", "2024-12-31T00:00:00Z", "point_ended"),
    Row("meters[0].calibration_due", "2024-12-31", "calibration_overdue"),
    Row(f"{P1}.value_max", 1_000_001, "limit_modulus"),
    Row("meters[0].points[0]", UNBOUNDED, "register_unbounded", at=f"{P1}.digits"),
]


def spoiled(row: Row) -> dict[str, Any]:
    document = small()
    put(document, place_of(row.path), row.value)
    return document


def assert_found(row: Row) -> Finding:
    found = the(spoiled(row), row.code)
    shown = row.value if row.shown is AS_GIVEN else row.shown
    assert (found.path, found.value, found.nearest) == (row.at or row.path, shown, row.nearest)
    assert found.remedy_zh
    assert found.remedy_en
    return found


def findings_of(document: dict[str, Any]) -> tuple[Finding, ...]:
    return examine(json.dumps(document), form="json")


def the(document: dict[str, Any], code: str) -> Finding:
    found = [item for item in findings_of(document) if item.code == code]
    assert len(found) == 1, [str(item) for item in findings_of(document)]
    return found[0]


class TestShape:
    @pytest.mark.parametrize("row", FORM_ROWS, ids=lambda row: f"{row.code}-{row.path}")
    def test_names_place_value_and_nearest(self, row: Row) -> None:
        assert assert_found(row).severity == "error"

    def test_names_what_is_missing(self) -> None:
        document = small()
        del document["flows"][1]["carrier"]
        assert the(document, "missing").path == "flows[1].carrier"

    def test_refuses_an_infinite_number(self) -> None:
        text = json.dumps(small()).replace('"multiplier": 80', '"multiplier": 1e999')
        assert [item.code for item in examine(text, form="json")] == ["not_number"]

    def test_composes_texts(self) -> None:
        document = small()
        document["name"]["en"] = "Cafe\u0301"
        assert read_plant(json.dumps(document), form="json").name.en == "Caf\u00e9"


class TestCheck:
    @pytest.mark.parametrize(
        "row", [*MEANING_ROWS, *LIFE_ROWS], ids=lambda row: f"{row.code}-{row.path}"
    )
    def test_names_place_value_and_nearest(self, row: Row) -> None:
        found = assert_found(row)
        assert found.severity == "error"
        with pytest.raises(PlantInvalid) as caught:
            read_plant(json.dumps(spoiled(row)), form="json")
        assert found in caught.value.findings
        assert found.remedy in str(caught.value)

    @pytest.mark.parametrize("row", WARNING_ROWS, ids=lambda row: f"{row.code}-{row.path}")
    def test_warns_and_still_reads(self, row: Row) -> None:
        found = [item for item in findings_of(spoiled(row)) if item.code == row.code]
        assert [(item.path, item.severity) for item in found] == [(row.at or row.path, "warning")]
        read_plant(json.dumps(spoiled(row)), form="json")

    def test_finds_nothing_in_a_good_description(self) -> None:
        assert findings_of(small()) == ()

    def test_finds_limits_out_of_order(self) -> None:
        document = small()
        document["meters"][0]["points"][0] |= {"value_min": 5, "value_max": 5}
        assert the(document, "limits_order").path == "meters[0].points[0].value_min"

    def test_shows_the_path_of_a_cycle_once(self) -> None:
        document = small()
        document["nodes"][2]["parent"] = "board"
        found = the(document, "tree_cycle")
        assert "plant → board → plant" in found.message_en
        assert found.path == "nodes[2].parent"

    def test_finds_a_node_that_is_its_own_parent(self) -> None:
        document = small()
        document["nodes"][2]["parent"] = "plant"
        assert "plant → plant" in the(document, "tree_cycle").message_en

    def test_refuses_what_a_delivery_gives(self) -> None:
        document = small()
        document["nodes"][3]["kind"] = "delivery"
        found = [item.path for item in findings_of(document) if item.code == "delivery_gives"]
        assert found == ["flows[1].from", "flows[2].from"]

    def test_refuses_a_flow_between_sources(self) -> None:
        document = small()
        document["nodes"][4]["kind"] = "delivery"
        document["flows"][2]["from"] = "grid"
        assert the(document, "source_to_source").path == "flows[2].to"

    def test_lets_an_exchanged_meter_keep_its_address(self) -> None:
        document = small()
        old = document["meters"][0]["points"][0]
        new = {**old, "code": "P1b", "address": "P1", "valid_from": "2025-03-01T02:07:00Z"}
        old["valid_to"] = "2025-03-01T02:07:00Z"
        document["meters"][0]["points"].append(new)
        document["flows"][0]["metered_by"].append({"point": "P1b"})
        assert findings_of(document) == ()
        new["valid_from"] = "2025-03-01T02:06:00Z"
        found = the(document, "address_shared")
        assert "P1" in found.message_en
        assert found.path == "meters[0].points[1].address"

    def test_refuses_validity_that_ends_before_it_starts(self) -> None:
        document = small()
        document["meters"][0]["points"][0] |= {
            "valid_from": "2025-03-01T00:00:00Z",
            "valid_to": "2025-03-01T00:00:00Z",
        }
        found = the(document, "span_empty")
        assert found.path == "meters[0].points[0].valid_to"
        assert "2025-03-01" in found.message_en

    def test_keeps_normal_volume_apart(self) -> None:
        document = small()
        document["flows"][0]["carrier"] = "natural_gas"
        document["meters"][0]["points"][0]["unit"] = "m3"
        assert "1e4Nm3" in the(document, "unit_mismatch").message_en
        document["meters"][0]["points"][0]["unit"] = "Nm3"
        assert "unit_mismatch" not in {item.code for item in findings_of(document)}

    def test_gives_members_to_parks_alone(self) -> None:
        document = small()
        member = {"tenant": "m", "valid_from": "2025-01-01T00:00:00Z"}
        document["members"] = [member, {**member, "node": "rest"}]
        assert the(document, "member_of_enterprise").path == "members"
        overlap = the(document, "span_overlap")
        assert overlap.path == "members[1].valid_from"
        assert "members[0]" in overlap.message_en
        document |= {"kind": "park", "park": "other"}
        assert the(document, "park_of_park").value == "other"

    def test_derives_through_several_buses(self) -> None:
        document = small()
        document["nodes"].append({"code": "sub", "name": NAME, "kind": "bus", "parent": "plant"})
        document["nodes"].append({"code": "end", "name": NAME, "kind": "use", "parent": "plant"})
        document["flows"][2]["to"] = "sub"
        document["flows"].append(
            {"code": "end-power", "from": "sub", "to": "end", "carrier": "electricity"}
        )
        codes = {item.code for item in findings_of(document)}
        assert "unmetered" not in codes


class TestExamine:
    def test_finds_faults_of_form_and_of_meaning_in_one_round(self) -> None:
        document = small()
        document["nodes"][0]["kind"] = "furnace"  # its code still counts as known
        document["flows"][2]["carrier"] = "elektricity"
        document["flows"][0]["metered_by"] = [{"point": "P7"}]
        document["meters"][0]["points"][0]["colour"] = "red"
        document["time_zone"] = 8
        found = {(item.code, item.path) for item in findings_of(document)}
        assert found == {
            ("choice", "nodes[0].kind"),
            ("unknown_carrier", "flows[2].carrier"),
            ("unknown_point", "flows[0].metered_by[0].point"),
            ("unknown_key", "meters[0].points[0].colour"),
            ("not_text", "time_zone"),
        }

    def test_keeps_positions_when_earlier_items_are_faulty(self) -> None:
        document = small()
        document["flows"][0]["carrier"] = 7
        document["flows"][1]["to"] = "furnice"
        assert the(document, "unknown_node").path == "flows[1].to"

    def test_survives_a_document_that_is_no_mapping(self) -> None:
        assert [item.code for item in examine("[]", form="json")] == ["not_mapping"]
        assert [item.code for item in examine("", form="yaml")] == ["not_mapping"]

    def test_limits_the_findings_and_says_so(self) -> None:
        document = small()
        for i in range(3000):
            document["flows"].append(
                {"code": f"f{i}", "from": "nowhere", "to": "grid", "carrier": "electricity"}
            )
        found = findings_of(document)
        assert found[-1].code == "more"
        assert len(found) < 600
