"""What every dashboard has: name, address, variables, links to the others and to our page."""

from collections.abc import Sequence

from compute.quantities import quantity
from dashboards.panel import Panel, Words
from dashboards.query import DATASOURCE, sql
from dashboards.sdk import builders, models

TAG = "nengtan"
# Where our own page is; `nengtan grafana apply --page` writes another address.
PAGE_VARIABLE = "page"
PAGE = "http://localhost:8000"

Variable = builders.QueryVariable | builders.CustomVariable | builders.ConstantVariable


def site() -> builders.QueryVariable:
    """Return the choice of a site."""
    return _query("site", "厂区 Site")


def node() -> builders.QueryVariable:
    """Return the choice of nodes of the site."""
    return _several(_query("node", "节点 Node"))


def carrier() -> builders.QueryVariable:
    """Return the choice of energy carriers of the site."""
    return _several(_query("carrier", "能源品种 Carrier"))


def point() -> builders.QueryVariable:
    """Return the choice of a point of the site."""
    return _query("point", "测点 Point")


def interval() -> builders.CustomVariable:
    """Return the choice of the stored interval: its number in the table of results."""
    choices = {"0": "基本周期 base", "1": "小时 hour", "2": "日 day", "3": "月 month"}
    return _choice("interval", "统计周期 Interval", choices, chosen="1")


def shared_quantity() -> builders.CustomVariable:
    """Return the choice of the quantity in which all carriers add up."""
    names = ("energy_kwh", "coal_equivalent_tce", "emission_total_tco2e")
    choices = {name: f"{quantity(name).zh} {quantity(name).unit}" for name in names}
    return _choice("quantity", "计量 Quantity", choices, chosen="energy_kwh")


def page_address(view: str) -> str:
    """Return the address of a view of our own page, for the site chosen."""
    return f"${{{PAGE_VARIABLE}:raw}}/{view}?site=${{site:percentencode}}"


def framed(
    noun: str,
    words: Words,
    *,
    variables: Sequence[Variable],
    panels: Sequence[Panel],
    view: str = "overview",
    since: str = "now-7d",
    refresh: str = "1m",
) -> models.Dashboard:
    """Return a dashboard with its panels numbered and placed in order, row by row.

    Parameters
    ----------
    noun : str
        Its name in every room; its uid is `nengtan-` and this.
    words : Words
    variables : sequence of Variable
    panels : sequence of Panel
    view : str
        The view of our own page that shows the same with more.
    since : str
        Start of the time first shown.
    refresh : str
    """
    link = (
        builders.DashboardLink("能碳页面 Nengtan page")
        .type(models.DashboardLinkType.LINK)
        .url(page_address(view))
        .tooltip("我方页面的同一视图 The same view of our own page")
        .target_blank(target_blank=True)
        # Beside the others, not in the menu of controls.
        .placement("")
    )
    others = (
        builders.DashboardLink("能碳 Nengtan")
        .type(models.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(as_dropdown=True)
        .include_vars(include_vars=True)
        .keep_time(keep_time=True)
        .placement("")
    )
    built = (
        builders.Dashboard(words.title)
        .uid(f"nengtan-{noun.replace('_', '-')}")
        .description(words.about)
        .tags([TAG])
        .time(since, "now")
        .timezone("browser")
        .refresh(refresh)
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .links([others, link])
        .variables([*variables, builders.ConstantVariable(PAGE_VARIABLE).value(PAGE)])
    )
    for number, panel in enumerate(panels, start=1):
        built.with_panel(panel.id(number))
    return built.build()


def _query(name: str, label: str) -> builders.QueryVariable:
    asked = sql(f"variable_{name}")
    return (
        builders.QueryVariable(name)
        .label(label)
        .datasource(DATASOURCE)
        .query(asked)
        .definition(asked)
        .refresh(models.VariableRefresh.ON_DASHBOARD_LOAD)
        .allow_custom_value(allow_custom_value=False)
    )


def _several(variable: builders.QueryVariable) -> builders.QueryVariable:
    everything = models.VariableOption(selected=True, text=["All"], value=["$__all"])
    return variable.multi(multi=True).include_all(include_all=True).current(everything)


def _choice(
    name: str, label: str, choices: dict[str, str], *, chosen: str
) -> builders.CustomVariable:
    options = [
        models.VariableOption(selected=value == chosen, text=text, value=value)
        for value, text in choices.items()
    ]
    return (
        builders.CustomVariable(name)
        .label(label)
        .values(",".join(f"{text} : {value}" for value, text in choices.items()))
        .options(options)
        .current(next(option for option in options if option.selected))
        .allow_custom_value(allow_custom_value=False)
    )
