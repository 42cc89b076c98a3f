"""数据质量 data quality: what became of what was received, what is missing, what disagrees."""

from dashboards import frame
from dashboards.panel import Panel, Words, curve, rows, words_of
from dashboards.sdk import Dashboard

OUTCOMES = {
    "stored": Words("入库", "Stored"),
    "duplicate": Words("重复", "Duplicate"),
    "conflict": Words("冲突", "Conflict"),
    "quarantined": Words("隔离", "Quarantined"),
}
_GRADES = {
    "good": Words("良好", "Good"),
    "uncertain": Words("存疑", "Uncertain"),
    "bad": Words("无效", "Bad"),
}
_GATEWAY = Words("网关", "Gateway")
_POINT = Words("测点", "Point")
_RECEIVED_AT = Words("接收时间", "Received", "time")


def build() -> Dashboard:
    """Return the dashboard."""
    return frame.framed(
        "data_quality",
        Words(
            "数据质量",
            "Data quality",
            about="接收、缺失、冲突与隔离。 Received, missing, in conflict, quarantined.",
        ),
        variables=[frame.site(), frame.point(), frame.interval()],
        panels=[*_received(), *_points(), *_faults()],
        view="meters",
        since="now-24h",
    )


def _received() -> list[Panel]:
    """Return what came and how good it is."""
    return [
        curve(
            Words(
                "接收的读数",
                "Readings received",
                about="接收 = 入库 + 重复 + 冲突 + 隔离，按接收小时。 "
                "Received is the sum of the four, per hour of receipt.",
            ),
            "received_over_time",
            stacked=True,
            names=OUTCOMES,
        ),
        curve(
            Words(
                "测点周期的质量",
                "Quality of the points' intervals",
                about="每个统计周期内各质量等级的测点数。 Points of each grade, per interval.",
            ),
            "grades_over_time",
            stacked=True,
            names=_GRADES,
        ),
    ]


def _points() -> list[Panel]:
    """Return the points, and one of them closely."""
    return [
        rows(
            words_of("covered_share", zh="：按测点", en=" by point"),
            "point_quality",
            columns={
                "point": _POINT,
                "covered_share": words_of("covered_share"),
                "reading_count": words_of("reading_count"),
                **_GRADES,
            },
        ),
        curve(
            Words(
                "测点读数",
                "Readings of the point",
                about="原始读数按屏幕间隔的均值与极值，测点自身的单位。 "
                "Raw readings, mean and extremes per step of the screen, in the point's unit.",
            ),
            "readings_of_point",
            names={
                "mean": Words("均值", "Mean"),
                "lowest": Words("最小", "Lowest"),
                "highest": Words("最大", "Highest"),
            },
        ),
    ]


def _faults() -> list[Panel]:
    """Return what is missing, disagrees or was refused."""
    return [
        rows(
            Words(
                "缺号",
                "Gaps in numbers",
                about="网关编了号而中心未收到的报文。 "
                "Messages that a gateway numbered and the centre has not seen.",
            ),
            "sequence_gaps",
            columns={
                "gateway": _GATEWAY,
                "epoch": Words("批次", "Epoch"),
                "first_seq": Words("自", "First"),
                "last_seq": Words("至", "Last"),
                "message_count": Words("报文数", "Messages"),
                "last_received_at": _RECEIVED_AT,
            },
        ),
        rows(
            Words(
                "冲突",
                "Conflicts",
                about="同一时刻的第二个不同值：首值有效，待复核。 "
                "A second, different value of an instant: the first stands.",
            ),
            "conflicts",
            columns={
                "ts": Words("时刻", "Time", "time"),
                "point": _POINT,
                "unit": Words("单位", "Unit"),
                "kept_value": Words("保留值", "Kept"),
                "value": Words("另一值", "Other"),
                "received_at": _RECEIVED_AT,
                "reviewed_at": Words("复核时间", "Reviewed", "time"),
            },
        ),
        rows(
            Words(
                "隔离区",
                "Quarantine",
                about="无法入库的读数及原因。 Readings that could not be taken, and why.",
            ),
            "quarantined",
            columns={
                "received_at": _RECEIVED_AT,
                "gateway": _GATEWAY,
                "code": Words("原因", "Reason"),
                "detail": Words("详情", "Detail"),
                "state": Words("状态", "State"),
            },
            width=24,
        ),
    ]
