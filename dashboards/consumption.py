"""能源消费量和强度 consumption and intensity, by node, carrier and product (GB/T 2589-2020)."""

from dashboards import frame
from dashboards.panel import Words, curve, rows, words_of
from dashboards.sdk import Dashboard

_MEASURES = ("energy_kwh", "coal_equivalent_tce", "coal_equal_tce", "emission_total_tco2e")
_MEASURE_COLUMNS = {name: words_of(name) for name in _MEASURES}
_UNIT = Words("单位", "Unit")
_GRADE = Words("质量", "Quality")
_PER_UNIT = Words(
    "单位产品能耗与排放",
    "Energy and emission per unit of product",
    about=(
        "生产该产品的节点的综合能耗（当量值）与排放除以产量；产量为零则无强度。 "
        "Comprehensive energy consumption (equivalent value) and emission of the node that "
        "makes it, over what was made; none where nothing was made. GB/T 2589-2020, 3.7"
    ),
)


def build() -> Dashboard:
    """Return the dashboard."""
    return frame.framed(
        "consumption",
        Words(
            "能源消费量和强度",
            "Consumption and intensity",
            about="按节点、品种和产品。 By node, carrier and product. GB/T 2589-2020",
        ),
        variables=[frame.site(), frame.node(), frame.carrier(), frame.interval()],
        panels=[
            curve(
                words_of("coal_equivalent_tce", zh="：按节点", en=" by node"),
                "node_over_time",
                column="coal_equivalent_tce",
            ),
            curve(
                words_of("energy_kwh", zh="：按品种", en=" by carrier"),
                "site_by_carrier",
                column="energy_kwh",
                stacked=True,
            ),
            rows(
                Words("节点合计", "Nodes in total", about=words_of("coal_equal_tce").about),
                "node_totals",
                columns={"node": Words("节点", "Node"), **_MEASURE_COLUMNS, "grade": _GRADE},
            ),
            rows(
                Words("品种合计", "Carriers in total", about=words_of("amount").about),
                "site_carriers",
                columns={
                    "carrier": Words("能源品种", "Carrier"),
                    "amount": words_of("amount"),
                    "unit": _UNIT,
                    **_MEASURE_COLUMNS,
                },
            ),
            curve(words_of("product_amount"), "product_over_time"),
            curve(
                Words("单位产品综合能耗", "Energy per unit of product", about=_PER_UNIT.about),
                "product_intensity_over_time",
            ),
            rows(
                _PER_UNIT,
                "product_totals",
                columns={
                    "product": Words("产品", "Product"),
                    "product_amount": words_of("product_amount"),
                    "unit": _UNIT,
                    "kgce_per_unit": Words("综合能耗", "Energy", "kgce"),
                    "kgco2e_per_unit": Words("排放", "Emission", "kgCO2e"),
                },
            ),
            curve(
                Words(
                    "单位能量排放强度",
                    "Emission per unit of energy",
                    "kgCO2e/kWh",
                    "全厂排放总量除以能量。 Total emission of the site over its energy.",
                ),
                "site_intensity",
            ),
        ],
        view="trends",
    )
