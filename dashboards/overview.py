"""总览 overview: what a site used and gave off, from what, and whether to trust it."""

from dashboards import frame
from dashboards.panel import Words, bars, curve, single, words_of
from dashboards.sdk import Dashboard

_TOTALS = (
    "energy_kwh",
    "coal_equivalent_tce",
    "coal_equal_tce",
    "emission_total_tco2e",
)
_OF_THE_SITE = (
    "所选时段内按统计周期合计，缺因子则无效。 "
    "The intervals that start in the time shown, added up; invalid where a factor is missing."
)
_AGE = Words(
    "最新读数距今",
    "Age of newest reading",
    "s",
    "最新一条读数的表计时间距今。 Time since the newest reading, by the meter's own clock.",
)


def build() -> Dashboard:
    """Return the dashboard."""
    return frame.framed(
        "overview",
        Words(
            "能碳总览",
            "Overview",
            about="厂区的能耗、碳排放与数据质量。 Energy, emission and data quality of a site.",
        ),
        variables=[frame.site(), frame.carrier(), frame.interval()],
        panels=[
            *(
                single(words_of(name, about=_OF_THE_SITE), "site_total", column=name)
                for name in _TOTALS
            ),
            single(
                words_of("covered_share", about="按基本周期。 Of base intervals."),
                "site_covered_share",
                steps=((None, "red"), (0.9, "orange"), (0.99, "green")),
            ),
            single(_AGE, "reading_age", steps=((None, "green"), (300, "orange"), (1800, "red"))),
            curve(words_of("energy_kwh"), "site_by_carrier", column="energy_kwh", stacked=True),
            curve(
                words_of("emission_total_tco2e"),
                "site_emission",
                stacked=True,
                names={
                    name: words_of(name)
                    for name in ("emission_direct_tco2e", "emission_purchased_tco2e")
                },
            ),
            curve(
                words_of("coal_equivalent_tce"),
                "site_by_carrier",
                column="coal_equivalent_tce",
                stacked=True,
            ),
            bars(
                words_of("coal_equivalent_tce", zh="：按节点", en=" by node"),
                "node_bars",
                column="coal_equivalent_tce",
            ),
        ],
    )
