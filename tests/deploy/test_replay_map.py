"""The map of a replay: refused with its faults, never half understood."""

from pathlib import Path
from typing import Any

import pytest

from deploy.replay_map import MapRefused, load_map, read_map

MAPS = Path(__file__).parents[2] / "deploy" / "maps"
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
