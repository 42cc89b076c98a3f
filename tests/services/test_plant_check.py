import json
from typing import Any

import pytest

from services.plant import Finding, PlantInvalid, examine, read_plant
from services.plant.fault_text import FaultText
from services.plant.findings import Nearest, finding, limited
from services.plant.spans import overlaps
from services.plant.texts import TEXTS
from tests.services.plant_documents import put, small

Place = tuple[str | int, ...]
NAME = {"zh": "名", "en": "Name"}
P1: Place = ("meters", 0, "points", 0)
P2: Place = ("meters", 1, "points", 0)
P3: Place = ("meters", 2, "points", 0)


def findings_of(document: dict[str, Any]) -> tuple[Finding, ...]:
    return examine(json.dumps(document), form="json")


def the(document: dict[str, Any], code: str) -> Finding:
    found = [item for item in findings_of(document) if item.code == code]
    assert len(found) == 1, [str(item) for item in findings_of(document)]
    return found[0]


class TestShape:
    @pytest.mark.parametrize(
        ("place", "value", "code", "path", "shown", "nearest"),
        [
            (("time_zon",), "x", "unknown_key", "time_zon", "time_zon", "time_zone"),
            (("nodes", 0, "parrent"), "plant", "unknown_key", "nodes[0].parrent", "parrent", "parent"),
            ((*P1, "multiplyer"), 2, "unknown_key", "meters[0].points[0].multiplyer", "multiplyer", "multiplier"),
            (("flows", 0, "from_node"), "grid", "unknown_key", "flows[0].from_node", "from_node", None),
            (("schema",), "nengtan.plant/2", "choice", "schema", "nengtan.plant/2", "nengtan.plant/1"),
            (("nodes", 0, "kind"), "convertion", "choice", "nodes[0].kind", "convertion", "conversion"),
            ((*P2, "kind"), "guage", "choice", "meters[1].points[0].kind", "guage", "gauge"),
            (("base_interval_minutes",), 10, "choice", "base_interval_minutes", 10, None),
            (("tenant",), None, "not_text", "tenant", None, None),
            (("region",), 320000, "not_text", "region", 320000, None),
            (("region",), "32", "pattern", "region", "32", None),
            (("nodes", 1, "code"), "grid/1", "pattern", "nodes[1].code", "grid/1", None),
            (("nodes", 1, "code"), "", "length", "nodes[1].code", "", None),
            (("nodes", 1, "code"), "x" * 65, "length", "nodes[1].code", "x" * 65, None),
            (("nodes", 1, "code"), "..", "code_dots", "nodes[1].code", "..", None),
            (("name", "en"), "a\u202eb", "text_hidden", "name.en", "a\u202eb", None),
            (("name", "en"), "   ", "text_blank", "name.en", "   ", None),
            (("name",), "plant", "not_mapping", "name", "plant", None),
            (("flows",), {}, "not_list", "flows", "{…}", None),
            (("flows", 0, "feedstock"), "no", "not_boolean", "flows[0].feedstock", "no", None),
            (("flows", 0, "feedstock"), 0, "not_boolean", "flows[0].feedstock", 0, None),
            ((*P1, "multiplier"), "80", "not_number", "meters[0].points[0].multiplier", "80", None),
            ((*P1, "multiplier"), True, "not_number", "meters[0].points[0].multiplier", True, None),
            ((*P1, "multiplier"), 0, "range", "meters[0].points[0].multiplier", 0, None),
            ((*P1, "multiplier"), -1, "range", "meters[0].points[0].multiplier", -1, None),
            ((*P1, "digits", "integer"), 6.5, "not_whole", "meters[0].points[0].digits.integer", 6.5, None),
            ((*P1, "digits", "integer"), 16, "range", "meters[0].points[0].digits.integer", 16, None),
            (("meters", 0, "points"), [], "length", "meters[0].points", "[…]", None),
            (("valid_from",), "2025-01-01", "instant_form", "valid_from", "2025-01-01", None),
            (("valid_from",), "2025-01-01T00:00:00", "instant_form", "valid_from", "2025-01-01T00:00:00", None),
            (("valid_from",), "2026-02-29T00:00:00Z", "instant_form", "valid_from", "2026-02-29T00:00:00Z", None),
            (("valid_from",), 1735689600, "instant_form", "valid_from", 1735689600, None),
            (("valid_from",), "1970-01-01T00:00:00Z", "instant_range", "valid_from", "1970-01-01T00:00:00Z", None),
            (("meters", 0, "calibration_due"), "2025-02-30", "day_form", "meters[0].calibration_due", "2025-02-30", None),
            (("day_start",), "24:00", "pattern", "day_start", "24:00", None),
        ],
    )  # fmt: skip
    def test_names_place_value_and_nearest(
        self, place: Place, value: object, code: str, path: str, shown: object, nearest: str | None
    ) -> None:
        document = small()
        put(document, place, value)
        found = the(document, code)
        assert (found.path, found.value, found.nearest) == (path, shown, nearest)
        assert found.severity == "error"
        assert found.remedy_zh
        assert found.remedy_en

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
        ("place", "value", "code", "path", "shown", "nearest"),
        [
            (("time_zone",), "Asia/Beijing", "unknown_zone", "time_zone", "Asia/Beijing", "Asia/Shanghai"),
            (("time_zone",), "北京时间", "unknown_zone", "time_zone", "北京时间", "Asia/Shanghai"),
            (("time_zone",), "Asia/Shanhai", "unknown_zone", "time_zone", "Asia/Shanhai", "Asia/Shanghai"),
            (("time_zone",), "../etc/passwd", "unknown_zone", "time_zone", "../etc/passwd", None),
            ((*P1, "time_zone"), "Asia/Beijing", "unknown_zone", "meters[0].points[0].time_zone", "Asia/Beijing", "Asia/Shanghai"),
            (("region",), "990000", "unknown_region", "region", "990000", None),
            (("region",), "CN-NORT", "unknown_region", "region", "CN-NORT", "CN-NORTH"),
            (("day_start",), "08:10", "day_start_edge", "day_start", "08:10", "08:00"),
            (("valid_from",), "2025-01-01T00:07:00+08:00", "valid_from_edge", "valid_from", "2025-01-01T00:07:00+08:00", "2025-01-01T00:00:00+08:00"),
            (("park",), "demo", "park_is_self", "park", "demo", None),
            (("nodes", 0, "parent"), "plnt", "unknown_node", "nodes[0].parent", "plnt", "plant"),
            (("flows", 1, "to"), "furnance", "unknown_node", "flows[1].to", "furnance", "furnace"),
            (("flows", 1, "metered_by", 0, "point"), "p2", "unknown_point", "flows[1].metered_by[0].point", "p2", "P2"),
            (("flows", 0, "carrier"), "electrcity", "unknown_carrier", "flows[0].carrier", "electrcity", "electricity"),
            (("flows", 0, "carrier"), "天然气", "unknown_carrier", "flows[0].carrier", "天然气", "natural_gas"),
            (("meters", 0, "gateway"), "gw1", "unknown_gateway", "meters[0].gateway", "gw1", "gw-1"),
            (("meters", 0, "node"), "bord", "unknown_node", "meters[0].node", "bord", "board"),
            (("products", 0, "node"), "furnac", "unknown_node", "products[0].node", "furnac", "furnace"),
            (("products", 0, "metered_by", 0, "point"), "P9", "unknown_point", "products[0].metered_by[0].point", "P9", "P1"),
            (("flows", 2, "to"), "board", "flow_to_itself", "flows[2].to", "board", None),
            (("flows", 0, "to"), "grid", "flow_to_itself", "flows[0].to", "grid", None),
            (("flows", 0, "metered_by", 0, "share"), 0, "share_zero", "flows[0].metered_by[0].share", 0.0, None),
            (("flows", 0, "metered_by", 1), {"point": "P1"}, "point_twice", "flows[0].metered_by[1].point", "P1", None),
            (("nodes", 5), {"code": "grid", "name": NAME, "kind": "use"}, "duplicate_code", "nodes[5].code", "grid", None),
            (("gateways", 1), {"code": "gw-1", "username": "other"}, "duplicate_code", "gateways[1].code", "gw-1", None),
            (("gateways", 1), {"code": "gw:2"}, "username_form", "gateways[1].code", "demo.main.gw:2", None),
            (("gateways", 1), {"code": "value"}, "reserved_gateway", "gateways[1].code", "value", None),
            (("gateways", 1), {"code": "b", "username": "demo.main.gw-1"}, "duplicate_username", "gateways[1].username", "demo.main.gw-1", None),
            (("gateways", 0, "topic"), "a/b", "topic_unused", "gateways[0].topic", "a/b", None),
            (("gateways", 1), {"code": "n", "form": "neuron", "class": "acknowledged"}, "topic_missing", "gateways[1].topic", None, None),
            (("gateways", 1), {"code": "n", "form": "neuron", "topic": "/neuron/a"}, "class_form", "gateways[1].class", "receipted", "acknowledged"),
            (("gateways", 1), {"code": "n", "form": "neuron", "class": "best_effort", "topic": "a/#"}, "topic_form", "gateways[1].topic", "a/#", None),
            (("gateways", 1), {"code": "n", "form": "neuron", "class": "best_effort", "topic": "nengtan/v1/x"}, "topic_form", "gateways[1].topic", "nengtan/v1/x", None),
            ((*P2, "address"), "P1", "address_shared", "meters[1].points[0].address", "P1", None),
            ((*P2, "digits"), {"integer": 6}, "not_of_kind", "meters[1].points[0].digits", "integer=6 decimal=0", None),
            ((*P1, "stamp"), "end", "not_of_kind", "meters[0].points[0].stamp", "end", None),
            ((*P3, "hold_seconds"), 60, "not_of_kind", "meters[2].points[0].hold_seconds", 60, None),
            ((*P3, "stamp"), None, "needed_of_kind", "meters[2].points[0].stamp", None, None),
            ((*P3, "period_minutes"), None, "needed_of_kind", "meters[2].points[0].period_minutes", None, None),
            ((*P3, "period_minutes"), 10, "period_base", "meters[2].points[0].period_minutes", 10, None),
            ((*P1, "unit"), "kWhh", "unknown_unit", "meters[0].points[0].unit", "kWhh", "kWh"),
            ((*P1, "unit"), "kW", "rate_refused", "meters[0].points[0].unit", "kW", None),
            ((*P2, "unit"), "kWh", "rate_needed", "flows[1].metered_by[0].point", "kWh", None),
            ((*P1, "unit"), "m3", "unit_mismatch", "flows[0].metered_by[0].point", "P1", None),
            (("products", 0, "unit"), "tt", "unknown_unit", "products[0].unit", "tt", None),
            (("products", 0, "unit"), "piece", "unit_mismatch", "products[0].metered_by[0].point", "P3", None),
        ],
    )  # fmt: skip
    def test_names_place_value_and_nearest(
        self, place: Place, value: object, code: str, path: str, shown: object, nearest: str | None
    ) -> None:
        document = small()
        put(document, place, value)
        found = the(document, code)
        assert (found.path, found.value, found.nearest) == (path, shown, nearest)
        assert found.severity == "error"
        with pytest.raises(PlantInvalid, match=found.remedy_en.replace("(", r"\(")[:20]):
            read_plant(json.dumps(document), form="json")

    @pytest.mark.parametrize(
        ("place", "value", "code", "path"),
        [
            (("region",), "KR", "region_abroad", "region"),
            (("flows", 2, "from"), "furnace", "use_gives", "flows[2].from"),
            (("flows", 2, "from"), "furnace", "unmetered", "flows[2].metered_by"),
            (("nodes", 5), {"code": "x", "name": NAME, "kind": "use"}, "node_alone", "nodes[5]"),
            (("nodes", 0, "kind"), "storage", "storage_one_way", "nodes[0]"),
            (("nodes", 0, "kind"), "conversion", "bus_one_way", "nodes[0]"),
            (("products", 0, "metered_by"), [], "point_unused", "meters[2].points[0].code"),
            ((*P3, "period_minutes"), 60, "period_long", "meters[2].points[0].period_minutes"),
            ((*P1, "valid_to"), "2024-12-31T00:00:00Z", "point_ended", "meters[0].points[0].valid_to"),
            (("meters", 0, "calibration_due"), "2024-12-31", "calibration_overdue", "meters[0].calibration_due"),
            ((*P1, "value_max"), 1_000_001, "limit_modulus", "meters[0].points[0].value_max"),
        ],
    )  # fmt: skip
    def test_warns_and_still_reads(
        self, place: Place, value: object, code: str, path: str
    ) -> None:
        document = small()
        put(document, place, value)
        found = the(document, code)
        assert (found.path, found.severity) == (path, "warning")
        read_plant(json.dumps(document), form="json")

    def test_finds_nothing_in_a_good_description(self) -> None:
        assert findings_of(small()) == ()

    def test_finds_limits_out_of_order(self) -> None:
        document = small()
        document["meters"][0]["points"][0] |= {"value_min": 5, "value_max": 5}
        assert the(document, "limits_order").path == "meters[0].points[0].value_min"

    def test_shows_the_path_of_a_cycle_once(self) -> None:
        document = small()
        put(document, ("nodes", 2, "parent"), "board")
        found = the(document, "tree_cycle")
        assert "plant → board → plant" in found.message_en
        assert found.path == "nodes[2].parent"

    def test_finds_a_node_that_is_its_own_parent(self) -> None:
        document = small()
        put(document, ("nodes", 2, "parent"), "plant")
        assert "plant → plant" in the(document, "tree_cycle").message_en

    def test_refuses_what_a_delivery_gives(self) -> None:
        document = small()
        put(document, ("nodes", 3, "kind"), "delivery")
        found = [item.path for item in findings_of(document) if item.code == "delivery_gives"]
        assert found == ["flows[1].from", "flows[2].from"]

    def test_refuses_a_flow_between_sources(self) -> None:
        document = small()
        put(document, ("nodes", 4, "kind"), "delivery")
        put(document, ("flows", 2, "from"), "grid")
        assert the(document, "source_to_source").path == "flows[2].to"

    def test_lets_an_exchanged_meter_keep_its_address(self) -> None:
        document = small()
        old, new = document["meters"][0]["points"][0], None
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


class TestTexts:
    @pytest.mark.parametrize("code", sorted(TEXTS))
    def test_have_both_languages_and_a_remedy(self, code: str) -> None:
        text = TEXTS[code]
        assert isinstance(text, FaultText)
        for words in (text.message_zh, text.remedy_zh):
            assert any("\u4e00" <= letter <= "\u9fff" for letter in words)
        for words in (text.message_en, text.remedy_en):
            assert words.isascii()
            assert words.endswith(".")


class TestFinding:
    def test_reads_as_one_line(self) -> None:
        line = str(finding("unknown_node", ("nodes", 0, "parent"), "plnt", nearest="plant", line=4))
        assert line.startswith("nodes[0].parent (line 4): 'plnt' → plant: ")

    def test_cuts_long_values(self) -> None:
        assert len(str(finding("unknown_node", (), "x" * 1000).value)) < 200

    def test_puts_errors_first(self) -> None:
        ordered = limited([finding("node_alone", ()), finding("missing", ())])
        assert [item.severity for item in ordered] == ["error", "warning"]


class TestNearest:
    def test_stops_comparing_when_its_budget_is_spent(self) -> None:
        nearest = Nearest(comparisons=3)
        assert nearest.of("grib", ["grid", "bus"]) == "grid"
        assert nearest.of("grib", ["grid", "bus"]) is None

    def test_looks_past_case(self) -> None:
        assert Nearest().of("GRID", ["Grid"]) == "Grid"


class TestOverlaps:
    def test_takes_touching_spans_as_apart(self) -> None:
        from datetime import UTC, datetime

        middle = datetime(2025, 1, 1, tzinfo=UTC)
        assert list(overlaps([(0, None, middle), (1, middle, None)])) == []
        assert list(overlaps([(0, None, None), (1, middle, None), (2, None, middle)])) == [
            (0, 2),
            (0, 1),
        ] or list(overlaps([(0, None, None), (1, middle, None)])) == [(0, 1)]
