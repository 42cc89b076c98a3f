"""The dashboards as Grafana is given them: whole, named in both languages, from our one source."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema
import pytest

from compute.quantities import QUANTITIES
from dashboards import catalogue, query
from dashboards.sdk import models
from deploy.grafana_commands import DASHBOARDS

BUILT: dict[str, dict[str, Any]] = {
    name: json.loads(text) for name, text in catalogue.texts().items()
}
CORE_PANELS = {"bargauge", "nodeGraph", "stat", "table", "text", "timeseries"}
HAN = re.compile(r"[\u4e00-\u9fff]")
LATIN = re.compile(r"[A-Za-z]{2}")
SOURCE = {"type": "grafana-postgresql-datasource", "uid": "nengtan"}

# The parts of the classic form that we use, as Grafana's own description has them; an unknown key
# is most often a misspelt one.
TARGET = {
    "type": "object",
    "additionalProperties": False,
    "required": ["refId", "datasource", "editorMode", "format", "rawQuery", "rawSql"],
    "properties": {
        "refId": {"type": "string", "minLength": 1},
        "datasource": {"const": SOURCE},
        "editorMode": {"const": "code"},
        "format": {"enum": ["table", "time_series"]},
        "rawQuery": {"const": True},
        "rawSql": {"type": "string", "pattern": "^(select|with) "},
    },
}
PANEL = {
    "type": "object",
    "required": ["id", "type", "title", "gridPos", "options"],
    "properties": {
        "id": {"type": "integer", "minimum": 1},
        "type": {"enum": sorted(CORE_PANELS)},
        "datasource": {"const": SOURCE},
        "targets": {"type": "array", "items": TARGET, "minItems": 1},
        "gridPos": {
            "type": "object",
            "required": ["h", "w", "x", "y"],
            "properties": {
                "h": {"type": "integer", "minimum": 1},
                "w": {"type": "integer", "minimum": 1, "maximum": 24},
                "x": {"type": "integer", "minimum": 0, "maximum": 23},
                "y": {"type": "integer", "minimum": 0},
            },
        },
    },
    "if": {"properties": {"type": {"const": "text"}}},
    "else": {"required": ["targets", "datasource"]},
}
SCHEMA = {
    "type": "object",
    "required": ["uid", "title", "schemaVersion", "panels", "templating", "tags", "links", "time"],
    "properties": {
        "uid": {"type": "string", "pattern": "^nengtan-[a-z-]{1,32}$"},
        "schemaVersion": {"type": "integer", "minimum": 36},
        "panels": {"type": "array", "items": PANEL, "minItems": 3},
        "id": False,
    },
}


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, built in BUILT.items():
        for panel in built["panels"]:
            yield f"{name} {panel['title']}", panel


def overrides(panel: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = panel.get("fieldConfig", {}).get("overrides", [])
    return found


def titles(built: dict[str, Any]) -> Iterator[str]:
    yield built["title"]
    yield built["description"]
    for variable in built["templating"]["list"]:
        if variable["type"] != "constant":
            yield variable["label"]
    for panel in built["panels"]:
        yield panel["title"]
        for override in overrides(panel):
            for held in override["properties"]:
                if held["id"] == "displayName":
                    yield held["value"]


class TestEachDashboard:
    @pytest.mark.parametrize("name", BUILT)
    def test_is_the_file_that_is_shipped(self, name: str) -> None:
        kept = (DASHBOARDS / name).read_text(encoding="utf-8")
        assert kept == catalogue.texts()[name], "run `nengtan grafana build`"

    @pytest.mark.parametrize("name", BUILT)
    def test_is_well_formed(self, name: str) -> None:
        assert list(jsonschema.Draft202012Validator(SCHEMA).iter_errors(BUILT[name])) == []

    @pytest.mark.parametrize("name", BUILT)
    def test_is_understood_by_the_sdk_that_knows_every_field(self, name: str) -> None:
        # It reads no panel's options, and takes the place of a link for what it would choose.
        kept = {**BUILT[name], "panels": [], "links": []}
        read = models.Dashboard.from_json(kept)
        assert json.loads(json.dumps(read, default=lambda part: part.to_json())) == kept

    @pytest.mark.parametrize("name", BUILT)
    def test_speaks_both_languages(self, name: str) -> None:
        for title in titles(BUILT[name]):
            assert HAN.search(title), title
            assert LATIN.search(title), title
            assert title.index(HAN.search(title)[0]) < title.index(LATIN.search(title)[0])  # type: ignore[index]

    @pytest.mark.parametrize("name", BUILT)
    def test_fills_the_grid_without_overlap(self, name: str) -> None:
        taken: set[tuple[int, int]] = set()
        for panel in BUILT[name]["panels"]:
            place = panel["gridPos"]
            assert place["x"] + place["w"] <= 24, panel["title"]
            cells = {
                (place["x"] + right, place["y"] + down)
                for right in range(place["w"])
                for down in range(place["h"])
            }
            assert not cells & taken, panel["title"]
            taken |= cells
        numbers = [panel["id"] for panel in BUILT[name]["panels"]]
        assert numbers == list(range(1, len(numbers) + 1))

    @pytest.mark.parametrize("name", BUILT)
    def test_uses_the_variables_it_has_and_no_other(self, name: str) -> None:
        built = BUILT[name]
        known = {variable["name"] for variable in built["templating"]["list"]}
        text = json.dumps(built)
        used = set(re.findall(r"\$\{(\w+)(?::\w+)?\}", text)) | set(
            re.findall(r"\$(?!__)([a-z]\w*)", text)
        )
        assert used == known

    def test_that_leaves_no_one_out_is_not_shipped(self) -> None:
        assert {path.name for path in DASHBOARDS.iterdir()} == set(BUILT)


class TestAll:
    def test_have_names_and_addresses_of_their_own(self) -> None:
        for key in ("uid", "title"):
            found = [built[key] for built in BUILT.values()]
            assert len(set(found)) == len(found)

    def test_keep_their_addresses(self) -> None:
        assert sorted(built["uid"] for built in BUILT.values()) == [
            "nengtan-consumption",
            "nengtan-data-quality",
            "nengtan-energy-flow",
            "nengtan-overview",
            "nengtan-service-health",
        ]

    def test_explain_every_panel(self) -> None:
        silent = [name for name, panel in panels() if not panel.get("description")]
        assert [name for name in silent if "Sankey" not in name] == []

    def test_draw_quantities_from_the_nomenclature(self) -> None:
        known = {quantity.name: quantity for quantity in QUANTITIES}
        seen = set()
        for name, panel in panels():
            for override in overrides(panel):
                column = override["matcher"]["options"]
                if column in known:
                    seen.add(column)
                    shown = {held["id"]: held["value"] for held in override["properties"]}
                    assert known[column].zh in shown["displayName"], name
                    assert known[column].en in shown["displayName"], name
        assert len(seen) > 6

    def test_name_the_datasource_by_uid_alone(self) -> None:
        for name, text in catalogue.texts().items():
            assert "http://" not in text.replace("http://localhost:8000", ""), name
            for found in re.findall(r'"datasource": (\{[^}]*\}|"[^"]*")', text):
                assert json.loads(found) == SOURCE, name

    def test_ask_every_query_there_is(self) -> None:
        asked = [target["rawSql"] for _, panel in panels() for target in panel.get("targets", [])]
        for built in BUILT.values():
            asked += [variable["query"] for variable in built["templating"]["list"]]
        for name in set(query._queries()) - {"links"}:
            pattern = re.escape(query.sql(name, column="COLUMN")).replace("COLUMN", r"\w+")
            assert any(re.fullmatch(pattern, text) for text in asked), name


class TestABrokenOne:
    def broken(self) -> dict[str, Any]:
        copy: dict[str, Any] = json.loads(json.dumps(BUILT["overview.json"]))
        return copy

    def test_is_caught(self) -> None:
        changes: dict[str, Callable[[dict[str, Any]], object]] = {
            "a panel without a place": lambda built: built["panels"][0].pop("gridPos"),
            "a panel of a plug-in": lambda built: built["panels"][0].update(type="netsage-sankey"),
            "a query without SQL": lambda built: built["panels"][0]["targets"][0].pop("rawSql"),
            "a datasource by name": lambda built: built["panels"][0].update(datasource="Nengtan"),
            "wider than the screen": lambda built: built["panels"][0]["gridPos"].update(w=25),
            "a number of one installation": lambda built: built.update(id=7),
        }
        for what, change in changes.items():
            built = self.broken()
            change(built)
            assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(built), what
