"""服务健康 service health: whether readings come, are computed, and from which gateways."""

from dashboards import frame
from dashboards.data_quality import OUTCOMES
from dashboards.panel import Panel, Steps, Words, curve, rows, single
from dashboards.sdk import Dashboard

_AGE_STEPS: Steps = ((None, "green"), (300, "orange"), (1800, "red"))
_AGE = Words("距今", "Age", "s")


def build() -> Dashboard:
    """Return the dashboard."""
    return frame.framed(
        "service_health",
        Words(
            "服务健康",
            "Service health",
            about="采集、计算与网关是否正常。 Whether collecting, computing and gateways work.",
        ),
        variables=[frame.site()],
        panels=[*_ages(), *_sources()],
        since="now-24h",
        refresh="30s",
    )


def _ages() -> list[Panel]:
    """Return how long ago each service did its part, and what waits."""
    return [
        single(
            Words(
                "最新读数距今",
                "Age of newest reading",
                "s",
                "按表计时间。 By the meter's own clock.",
            ),
            "reading_age",
            steps=_AGE_STEPS,
            width=5,
        ),
        single(
            Words(
                "最近接收距今",
                "Since last message",
                "s",
                "采集服务最近一次收到带编号报文。 Since ingest last took a numbered message.",
            ),
            "receipt_age",
            steps=_AGE_STEPS,
            width=5,
        ),
        single(
            Words(
                "最近计算距今",
                "Since last computing",
                "s",
                "最新周期的结果何时算出。 Since the newest interval was computed.",
            ),
            "computing_age",
            steps=_AGE_STEPS,
            width=5,
        ),
        single(
            Words(
                "待计算",
                "Waiting to be computed",
                about="等待重算的标记数。 Marks that wait for the worker.",
            ),
            "waiting_marks",
            steps=((None, "green"), (100, "orange"), (1000, "red")),
            width=5,
        ),
        single(
            Words(
                "从未上报的测点",
                "Silent points",
                about="有效而从未有读数的测点。 Active points that never sent a reading.",
            ),
            "silent_points",
            steps=((None, "green"), (1, "orange")),
        ),
    ]


def _sources() -> list[Panel]:
    """Return gateways and points."""
    return [
        curve(
            Words(
                "各网关接收的读数",
                "Readings by gateway",
                about="每接收小时。 Per hour of receipt.",
            ),
            "received_by_gateway",
            stacked=True,
            width=24,
        ),
        rows(
            Words("网关", "Gateways", about="所选时段内。 Within the time shown."),
            "gateways",
            columns={
                "gateway": Words("网关", "Gateway"),
                "gateway_class": Words("等级", "Class"),
                "received": Words("接收", "Received"),
                **OUTCOMES,
                "last_hour": Words("最近小时", "Last hour", "time"),
            },
        ),
        rows(
            Words("测点", "Points", about="久未上报者在前。 Those silent longest stand first."),
            "points",
            columns={
                "point": Words("测点", "Point"),
                "meter": Words("计量器具", "Meter"),
                "gateway": Words("网关", "Gateway"),
                "gateway_class": Words("等级", "Class"),
                "kind": Words("类别", "Kind"),
                "last_ts": Words("最新读数", "Newest reading", "time"),
                "last_value": Words("值", "Value"),
                "unit": Words("单位", "Unit"),
                "age_s": _AGE,
            },
        ),
    ]
