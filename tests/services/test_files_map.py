"""The map of a replay: refused with its faults, never half understood."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.files.file_map import MapRefused, load_map, read_map

MAPS = Path(__file__).parents[2] / "deploy" / "maps"
PLANTS = MAPS.parent / "plants"
TIME = {"column": "t", "format": "%Y-%m-%d %H:%M", "zone": "Asia/Shanghai"}
POINTS = [{"column": "kwh", "point": "P1"}]


class TestReadMap:
    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"delimter": ";"}, "delimter: unknown key; did you mean 'delimiter'"),
            ({"time": TIME | {"zon": "x"}}, "time.zon: unknown key; did you mean 'zone'"),
            (
                {"points": [POINTS[0] | {"colum": "x"}]},
                "points.0.colum: unknown key; did you mean 'column'",
            ),
            ({"time": TIME | {"zone": "Asia/Shangai"}}, "IANA"),
            ({"time": {"column": "t", "format": "%Y-%m-%d %H:%M"}}, "give the zone"),
            ({"time": TIME | {"format": "YYYY-MM-DD"}}, "neither a strptime format"),
            ({"time": TIME | {"format": "%Y-%m-%d %Q"}}, "bad directive"),
            ({"time": TIME | {"format": "%Y %H:%M"}}, "does not give year, month and day"),
            ({"time": TIME | {"format": ["iso", "%Y-%m-%d"]}}, "stands alone"),
            ({"time": {"column": "t", "format": "epoch_s", "midnight": "end_of_date"}}, "epoch"),
            ({"time": TIME | {"midnight": "noon"}}, "time.midnight"),
            ({"points": []}, "points"),
            ({"points": POINTS * 2}, "given twice"),
            ({"points": [{"column": "kwh", "point": "INV{key}"}]}, "needs `key`"),
            ({"key": "inverter"}, "add {key}"),
            ({"points": [{"column": "kwh", "point": "{key.__class__}"}]}, "only {key}"),
            ({"points": [{"column": "kwh", "point": "{key!r}"}]}, "only {key}"),
            ({"points": [{"column": "kwh", "point": "P", "missing": [0]}]}, "string"),
            ({"encoding": "utf-9"}, "encoding 'utf-9' is unknown"),
            ({"decimal": ",", "thousands": ","}, "both"),
            ({"delimiter": ";;"}, "delimiter"),
            ({"delimiter": '"'}, "cannot part cells"),
        ],
    )
    def test_refuses_a_fault_with_its_place(self, changes: dict[str, Any], reason: str) -> None:
        document = {"time": TIME, "points": POINTS} | changes
        with pytest.raises(MapRefused) as fault:
            read_map(document, place="m.yaml")
        assert reason in str(fault.value)
        assert "m.yaml" in str(fault.value)

    def test_lists_all_faults_at_once(self) -> None:
        with pytest.raises(MapRefused, match=r"skip_rows.*skiprows"):
            read_map({"time": TIME, "points": POINTS, "skip_rows": -1, "skiprows": 1}, place="m")

    def test_takes_one_column_or_several(self) -> None:
        several = read_map(
            {"time": TIME | {"column": ["date", "time"]}, "points": POINTS}, place="m"
        )
        assert several.time.column == ("date", "time")


class TestLoadMap:
    @pytest.mark.parametrize("name", ["steel.yaml", "pv.yaml"])
    def test_reads_the_examples(self, name: str) -> None:
        assert load_map(MAPS / name).points

    @pytest.mark.parametrize(("name", "keys"), [("steel", [""]), ("pv", map(str, range(1, 23)))])
    def test_names_the_points_of_the_example_plants(self, name: str, keys: Iterable[str]) -> None:
        replay_map = load_map(MAPS / f"{name}.yaml")
        plant = yaml.safe_load((PLANTS / f"{name}.yaml").read_text(encoding="utf-8"))
        points = [point for meter in plant["meters"] for point in meter["points"]]
        named = {point.point.format(key=key) for key in keys for point in replay_map.points}
        assert named == {point["address"] for point in points}
        assert (replay_map.tenant, replay_map.site) == (plant["tenant"], plant["site"])
        assert replay_map.gateway in {gateway["code"] for gateway in plant["gateways"]}
        for point in points:
            if point["kind"] == "interval":
                assert point["stamp"] == replay_map.time.stamp

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("time: [", "not YAML"),
            ("tenant: a\ntenant: b\n", "'tenant' is given twice"),
            ("", "m.yaml"),
            ("- 1", "m.yaml"),
        ],
    )
    def test_refuses_what_is_no_map(self, tmp_path: Path, text: str, reason: str) -> None:
        path = tmp_path / "m.yaml"
        path.write_text(text)
        with pytest.raises(MapRefused, match=reason):
            load_map(path)

    def test_refuses_a_file_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(MapRefused, match="name a readable YAML file"):
            load_map(tmp_path / "absent.yaml")
