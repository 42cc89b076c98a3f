"""Panels of the house: titled in both languages, with units, thresholds and explanations.

Only panels that every Grafana has. Units and words come from the nomenclature.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from compute.quantities import quantity
from dashboards.query import DATASOURCE, Target
from dashboards.sdk import (
    TextMode,
    bargauge,
    builders,
    common,
    common_models,
    models,
    nodegraph,
    stat,
    table,
    text,
    timeseries,
)

# Value from which a color holds, ascending; the first has none.
Steps = Sequence[tuple[float | None, str]]
Panel = bargauge.Panel | nodegraph.Panel | stat.Panel | table.Panel | text.Panel | timeseries.Panel
# Grafana's id of a unit; a unit it does not know is written behind the number.
_UNITS = {
    "": "none",
    "1": "short",
    "kWh": "kwatth",
    "kW": "kwatt",
    "s": "s",
    "time": "dateTimeAsLocal",
}
NO_VALUE = "无有效数据 no valid data"
GRADES: list[models.ValueMapping] = [
    models.ValueMap(
        options={
            "0": models.ValueMappingResult(text="良好 good", color="green", index=0),
            "1": models.ValueMappingResult(text="存疑 uncertain", color="orange", index=1),
            "2": models.ValueMappingResult(text="无效 bad", color="red", index=2),
        }
    )
]


@dataclass(frozen=True, slots=True)
class Words:
    """Title and explanation of a panel or a column, and the unit of its numbers."""

    zh: str
    en: str
    unit: str = ""
    about: str = ""

    @property
    def title(self) -> str:
        """Return both languages."""
        return f"{self.zh} {self.en}"


def words_of(name: str, *, zh: str = "", en: str = "", about: str = "") -> Words:
    """Return what the nomenclature says of a quantity, `zh` and `en` put behind its names."""
    found = quantity(name)
    unit = "share" if found.name.endswith("_share") else found.unit
    explained = f"{found.description}. {about}".rstrip()
    return Words(f"{found.zh}{zh}", f"{found.en}{en}", unit, explained)


def unit_id(unit: str) -> str:
    """Return what Grafana calls a unit."""
    return "percentunit" if unit == "share" else _UNITS.get(unit, f"suffix: {unit}")


def single(
    words: Words,
    query: str,
    *,
    column: str = "",
    steps: Steps = (),
    width: int = 4,
) -> stat.Panel:
    """Return one number."""
    return (
        stat.Panel()
        .title(words.title)
        .description(words.about)
        .datasource(DATASOURCE)
        .unit(unit_id(words.unit))
        .no_value(NO_VALUE)
        .graph_mode(common_models.BigValueGraphMode.NONE)
        .color_mode(common_models.BigValueColorMode.VALUE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(_thresholds(steps))
        .span(width)
        .height(4)
        .with_target(Target(query, column=column))
    )


def curve(
    words: Words,
    query: str,
    *,
    column: str = "",
    stacked: bool = False,
    names: Mapping[str, Words] | None = None,
    width: int = 12,
) -> timeseries.Panel:
    """Return values over time; what adds up stands as stacked bars."""
    panel = (
        timeseries.Panel()
        .title(words.title)
        .description(words.about)
        .datasource(DATASOURCE)
        .unit(unit_id(words.unit))
        .no_value(NO_VALUE)
        .legend(
            common.VizLegendOptions()
            .display_mode(common_models.LegendDisplayMode.LIST)
            .placement(common_models.LegendPlacement.BOTTOM)
            .show_legend(show_legend=True)
        )
        .draw_style(
            common_models.GraphDrawStyle.BARS if stacked else common_models.GraphDrawStyle.LINE
        )
        .fill_opacity(60 if stacked else 8)
        .span(width)
        .height(9)
        .with_target(Target(query, column=column, shape="time_series"))
    )
    if stacked:
        panel.stacking(common.StackingConfig().mode(common_models.StackingMode.NORMAL))
    for name, said in (names or {}).items():
        panel.override_by_name(name, [models.DynamicConfigValue("displayName", said.title)])
    return panel


def rows(
    words: Words, query: str, *, columns: Mapping[str, Words], width: int = 12, height: int = 9
) -> table.Panel:
    """Return a table; every column is named and has its unit."""
    panel = (
        table.Panel()
        .title(words.title)
        .description(words.about)
        .datasource(DATASOURCE)
        .no_value(NO_VALUE)
        .filterable(filterable=True)
        .span(width)
        .height(height)
        .with_target(Target(query))
    )
    for name, said in columns.items():
        panel.override_by_name(name, _column(name, said))
    return panel


def bars(words: Words, query: str, *, column: str, width: int = 12) -> bargauge.Panel:
    """Return a bar for each row of a table with one text and one number."""
    return (
        bargauge.Panel()
        .title(words.title)
        .description(words.about)
        .datasource(DATASOURCE)
        .unit(unit_id(words.unit))
        .no_value(NO_VALUE)
        .orientation(common_models.VizOrientation.HORIZONTAL)
        .reduce_options(common.ReduceDataOptions().values(values=True).limit(30))
        .thresholds(_thresholds(()))
        .span(width)
        .height(9)
        .with_target(Target(query, column=column))
    )


def graph(words: Words, *, nodes: str, edges: str, height: int = 16) -> nodegraph.Panel:
    """Return a graph of nodes and edges."""
    return (
        nodegraph.Panel()
        .title(words.title)
        .description(words.about)
        .datasource(DATASOURCE)
        .span(24)
        .height(height)
        .with_target(Target(nodes, ref_id="nodes"))
        .with_target(Target(edges, ref_id="edges"))
    )


def note(words: Words, markdown: str, *, height: int = 4) -> text.Panel:
    """Return a text."""
    return (
        text.Panel()
        .title(words.title)
        .description(words.about)
        .mode(TextMode.MARKDOWN)
        .content(markdown)
        .span(24)
        .height(height)
    )


def _column(name: str, said: Words) -> list[models.DynamicConfigValue]:
    found = [models.DynamicConfigValue("displayName", said.title)]
    if said.unit:
        found.append(models.DynamicConfigValue("unit", unit_id(said.unit)))
    if name == "grade":
        found.append(models.DynamicConfigValue("mappings", GRADES))
        found.append(models.DynamicConfigValue("custom.cellOptions", {"type": "color-text"}))
    return found


def _thresholds(steps: Steps) -> builders.ThresholdsConfig:
    levels = [models.Threshold(value, color) for value, color in steps or ((None, "text"),)]
    return builders.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(levels)
