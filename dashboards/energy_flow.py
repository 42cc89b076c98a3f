"""能流 energy flow: the nodes of a site, what went between them, and what each left over."""

from dashboards import frame
from dashboards.panel import Words, graph, note, rows, words_of
from dashboards.sdk import Dashboard

_GRADE = Words("质量", "Quality")
_VALUE = Words(
    "流量", "Flow", about="所选计量的合计。 The chosen quantity, added up over the time shown."
)


def build() -> Dashboard:
    """Return the dashboard."""
    return frame.framed(
        "energy_flow",
        Words(
            "能流", "Energy flow", about="节点之间的能量。 Energy between nodes. GB/T 28749-2012"
        ),
        variables=[frame.site(), frame.shared_quantity(), frame.interval()],
        panels=[
            graph(
                Words(
                    "能流图",
                    "Graph of flows",
                    about=(
                        "圆内为流入与流出；负流量按反向画出。 "
                        "In each node what came in and went out; a negative flow is turned round."
                    ),
                ),
                nodes="graph_nodes",
                edges="graph_edges",
            ),
            note(
                Words("桑基图", "Sankey"),
                "带单位换算、逐级下钻和平衡差额的桑基图在能碳页面："
                f"[打开能流视图 open it]({frame.page_address('flow')})。\n\n"
                "The Sankey with units, drill-down and residuals is on the Nengtan page.",
            ),
            rows(
                Words("流量明细", "Flows", about=_VALUE.about),
                "link_table",
                columns={
                    "flow": Words("能流", "Flow of energy"),
                    "source": Words("起点", "From"),
                    "target": Words("终点", "To"),
                    "carrier": Words("能源品种", "Carrier"),
                    "value": _VALUE,
                    "grade": _GRADE,
                },
            ),
            rows(
                words_of("residual_kwh"),
                "residual_table",
                columns={
                    "node": Words("节点", "Node"),
                    "residual_kwh": words_of("residual_kwh"),
                    "grade": _GRADE,
                },
            ),
        ],
        view="flow",
        since="now-24h",
    )
