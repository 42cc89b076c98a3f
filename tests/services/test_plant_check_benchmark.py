"""Every fault of a benchmark or a shift, said with its place, value and remedy."""

import json
from typing import Any

import pytest

from services.plant import examine, read_plant
from services.plant.findings import Finding
from tests.services.plant_documents import place_of, put, small

NAME = {"zh": "名称", "en": "Name"}


def described() -> dict[str, Any]:
    """Return a description with a product, an efficiency and shifts, without findings."""
    document = small()
    document["shifts"] = [
        {"code": "day", "name": NAME, "from": "08:00", "to": "20:00"},
        {"code": "night", "name": NAME, "from": "20:00", "to": "08:00"},
    ]
    document["benchmarks"] = [
        {
            "code": "iron",
            "name": NAME,
            "kind": "product",
            "unit": "kgce/t",
            "nodes": ["furnace"],
            "flows": ["rest-power"],
            "product": "iron",
            "limits": [{"limit": "gb16780-2021.cement"}],
            "parameters": [{"name": "clinker_share_percent", "value": 78}],
            "targets": [
                {"value": 90, "from": "2025-01-01", "to": "2026-01-01", "source": "x"},
                {"value": 88, "from": "2026-01-01", "source": "x"},
            ],
        }
    ]
    return document


def findings(document: dict[str, Any]) -> tuple[Finding, ...]:
    return examine(json.dumps(document), form="json")


class TestBenchmark:
    def test_is_read_without_findings(self) -> None:
        assert findings(described()) == ()

    def test_changes_nothing_of_a_description_without_one(self) -> None:
        plant = read_plant(json.dumps(small()), form="json")
        dumped = plant.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        assert not {"benchmarks", "shifts"} & dumped.keys()

    @pytest.mark.parametrize(
        ("path", "value", "code", "place"),
        [
            ("unit", "kgce", "benchmark_unit", "unit"),
            ("unit", "kW/(parsec/min)", "benchmark_unit", "unit"),
            ("unit", "kgce/m3", "benchmark_output_unit", "product"),
            ("unit", "kWh/t", "benchmark_limit_unit", "limits[0].limit"),
            ("nodes[0]", "furnaces", "benchmark_unknown", "nodes[0]"),
            ("nodes[0]", "grid", "benchmark_outside", "nodes[0]"),
            ("nodes[1]", "furnace", "benchmark_twice", "nodes[1]"),
            ("nodes[1]", "plant", "benchmark_twice", "nodes[0]"),
            ("flows[0]", "rest-pwer", "benchmark_unknown", "flows[0]"),
            ("flows[0]", "furnace-power", "benchmark_twice", "flows[0]"),
            ("flows[1]", "rest-power", "benchmark_twice", "flows[1]"),
            ("product", "irn", "benchmark_unknown", "product"),
            ("output_flows", ["grid-in"], "benchmark_output", ""),
            ("limits[0].limit", "gb16780-2021.cemnt", "benchmark_limit_unknown", "limits[0].limit"),
            (
                "limits[1]",
                {"limit": "gb16780-2021.clinker"},
                "benchmark_limit_twice",
                "limits[1].limit",
            ),
            ("parameters[0].name", "clinker", "benchmark_parameter_unused", "parameters[0].name"),
            ("targets[1].from", "2025-12-31", "benchmark_target_span", "targets[1].from"),
            ("targets[0].to", "2024-12-31", "benchmark_target_span", "targets[0].from"),
            ("targets[0].to", "2026-02-30", "day_form", "targets[0].to"),
            ("kind", "produkt", "choice", "kind"),
            ("nods", [], "unknown_key", "nods"),
        ],
    )
    def test_faults_are_found_where_they_are(
        self, path: str, value: object, code: str, place: str
    ) -> None:
        document = described()
        put(document, place_of(f"benchmarks[0].{path}"), value)
        where = f"benchmarks[0].{place}".rstrip(".")
        found = [item for item in findings(document) if item.code == code]
        assert where in [item.path for item in found]
        assert found[0].severity == "error"
        assert found[0].message_zh
        assert found[0].remedy_en

    def test_without_energy_or_output_is_refused(self) -> None:
        document = described()
        benchmark = document["benchmarks"][0]
        del benchmark["nodes"], benchmark["flows"], benchmark["product"]
        codes = {item.code for item in findings(document)}
        assert {"benchmark_energy_missing", "benchmark_output"} <= codes

    def test_counts_useful_energy_whatever_carries_it(self) -> None:
        document = described()
        document["benchmarks"] = [
            {
                "code": "board",
                "name": NAME,
                "kind": "equipment",
                "unit": "%",
                "flows": ["grid-in"],
                "output_flows": ["furnace-power", "rest-power"],
                "targets": [{"value": 98, "from": "2025-01-01", "source": "x"}],
            }
        ]
        assert findings(document) == ()

    @pytest.mark.parametrize(
        ("path", "value", "code"),
        [
            ("limits[0].limit", "key-fields-2023.coke.top-charging-oven", "benchmark_not_compared"),
            ("parameters", [], "benchmark_correction_missing"),
        ],
    )
    def test_doubts_are_warnings(self, path: str, value: object, code: str) -> None:
        document = described()
        put(document, place_of(f"benchmarks[0].{path}"), value)
        if code == "benchmark_not_compared":
            document["benchmarks"][0]["parameters"] = []
        [found] = findings(document)
        assert (found.code, found.severity) == (code, "warning")

    def test_without_limit_and_target_is_doubtful(self) -> None:
        document = described()
        for key in ("limits", "targets", "parameters"):
            del document["benchmarks"][0][key]
        [found] = findings(document)
        assert (found.code, found.severity) == ("benchmark_nothing", "warning")


class TestShifts:
    @pytest.mark.parametrize(
        ("path", "value", "code", "place"),
        [
            ("shifts[0].from", "08:07", "shift_edge", "shifts[0].from"),
            ("shifts[1].from", "19:00", "shift_overlap", "shifts[1]"),
            ("shifts[1].to", "09:00", "shift_overlap", "shifts[1]"),
            ("shifts[0].to", "25:00", "clock_form", "shifts[0].to"),
            ("shifts[1].code", "day", "duplicate_code", "shifts[1].code"),
        ],
    )
    def test_faults_are_found_where_they_are(
        self, path: str, value: object, code: str, place: str
    ) -> None:
        document = described()
        put(document, place_of(path), value)
        assert (code, place) in {(item.code, item.path) for item in findings(document)}
