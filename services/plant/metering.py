"""What measures a plant: meters and their points."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from services.plant.words import Code, Day, Instant, Name, Part, Text, Unit, said

PointForm = Literal["register", "gauge", "interval"]
Stamp = Literal["start", "end"]
Quantity = Literal["power_factor", "share"]


class Digits(Part):
    """How a register is written, which tells where it starts again (表计字轮位数)."""

    integer: Annotated[
        int,
        Field(ge=1, le=15),
        said("整数位数", "Integer digits", "6 位即 999999 后归零。", "6: 999999 is the last."),
    ]
    decimal: Annotated[
        int,
        Field(ge=0, le=9),
        said("小数位数", "Decimal digits", "决定最小步长。", "The smallest step follows from it."),
    ] = 0


class Change(Part):
    """What changes in the life of a point, from an instant on (测点的一次变更).

    What a change does not name stays as it was. A register counts on through it unless
    `first_reading` says where another one begins.
    """

    valid_from: Annotated[
        Instant,
        Field(alias="from"),
        said("起", "From", "该时刻起有效。", "It holds from this instant on."),
    ]
    multiplier: Annotated[
        Annotated[float, Field(gt=0, le=1e9)] | None,
        said("倍率", "Multiplier", "新的倍率，如更换互感器后。", "As after a change of CT."),
    ] = None
    digits: Annotated[
        Digits | None, said("字轮位数", "Digits", "新的位数。", "The new digits.")
    ] = None
    rate_max_per_hour: Annotated[
        Annotated[float, Field(gt=0, le=1e15)] | None,
        said("额定最大速率", "Rated maximum rate", "新的额定值。", "The new rating."),
    ] = None
    last_reading: Annotated[
        Annotated[float, Field(ge=-1e18, le=1e18)] | None,
        said(
            "止码",
            "Last reading",
            "仅累计值：变更前一刻的表底，未乘倍率；省略时按前后读数推定。",
            "Registers only: what it showed just before, before the multiplier; if left out, "
            "taken from the readings on both sides.",
        ),
    ] = None
    first_reading: Annotated[
        Annotated[float, Field(ge=-1e18, le=1e18)] | None,
        said(
            "起码",
            "First reading",
            "仅累计值：换表后新表的起码，未乘倍率；省略表示仍是原表。",
            "Registers only: where another register begins, before the multiplier; if left out, "
            "it is the same one.",
        ),
    ] = None
    serial_number: Annotated[
        Text | None,
        said("出厂编号", "Serial number", "新表的出厂编号。", "Of the other meter."),
    ] = None
    retired: Annotated[
        bool,
        said("停用", "Retired", "自此停用，以后的读数被隔离。", "Later readings are quarantined."),
    ] = False
    reason: Annotated[
        Text | None, said("原因", "Reason", "变更原因或单据号。", "Why, or the number of a record.")
    ] = None


class Calibration(Part):
    """A calibration of a meter and its certificate (检定或校准)."""

    certificate: Annotated[
        Text, said("证书编号", "Certificate", "检定或校准证书编号。", "Its number.")
    ]
    calibrated_on: Annotated[
        Day, said("检定日期", "Calibrated on", "检定或校准日期。", "The day of the calibration.")
    ]
    due: Annotated[Day, said("有效期至", "Due", "最后有效日。", "The last good day.")]
    accuracy_class: Annotated[
        Text | None, said("准确度等级", "Accuracy class", "如 0.5S。", "For example 0.5S.")
    ] = None
    reason: Annotated[Text | None, said("说明", "Remark", "可省略。", "May be left out.")] = None


class Checks(Part):
    """Limits by which readings of a point are audited (数据审核限值).

    Readings that fail are used, marked and listed for review; what lies outside `value_min` and
    `value_max` is not taken at all.
    """

    range_min: Annotated[
        Annotated[float, Field(ge=-1e18, le=1e18)] | None,
        said(
            "核查下限",
            "Plausible from",
            "乘以倍率后，单位同测点；低于者列入审核。",
            "After the multiplier, in the unit; less is shown for review.",
        ),
    ] = None
    range_max: Annotated[
        Annotated[float, Field(ge=-1e18, le=1e18)] | None,
        said(
            "核查上限",
            "Plausible to",
            "乘以倍率后，单位同测点；高于者列入审核。",
            "After the multiplier, in the unit; more is shown for review.",
        ),
    ] = None
    step_max: Annotated[
        Annotated[float, Field(gt=0, le=1e18)] | None,
        said(
            "最大突变",
            "Largest step",
            "相邻读数之差的上限，乘以倍率后；不用于累计值。",
            "From one reading to the next, after the multiplier; not of registers.",
        ),
    ] = None
    rate_max_per_hour: Annotated[
        Annotated[float, Field(gt=0, le=1e18)] | None,
        said(
            "最大变化率",
            "Fastest change",
            "每小时变化的上限，乘以倍率后；累计值用额定最大速率。",
            "Per hour, after the multiplier; registers have their rated maximum rate.",
        ),
    ] = None
    frozen_hours: Annotated[
        Annotated[int, Field(ge=1, le=8_784)],
        said(
            "冻结时限",
            "Frozen after",
            "数值不变（累计值不增）超过此时限即列入审核；备用回路可放宽。省略时为 168 小时。",
            "A value that stays the same (a register: that stands) for longer is shown for review; "
            "a spare feeder may have longer. If left out: 168 hours.",
        ),
    ] = 168
    completeness_min: Annotated[
        Annotated[float, Field(ge=0, le=1)],
        said(
            "完整率下限",
            "Least completeness",
            "每月数据覆盖时段的比例；低于者列出。省略时为 0.95。",
            "Share of a month that readings cover; less is listed. If left out: 0.95.",
        ),
    ] = 0.95


class Point(Part):
    """One measured signal of a meter (表计的一个测点)."""

    code: Annotated[Code, said("编码", "Code", "本厂内唯一。", "Unique in the site.")]
    name: Annotated[Name | None, said("名称", "Name", "可省略。", "May be left out.")] = None
    address: Annotated[
        Text | None,
        said(
            "网关地址",
            "Address on the gateway",
            "网关报文中的名称，省略时与编码相同。",
            "Its name in the gateway's messages; the code if left out.",
        ),
    ] = None
    kind: Annotated[
        PointForm,
        said(
            "类型",
            "Kind",
            "register：累计值；gauge：瞬时值；interval：周期量。",
            "register: a cumulative value; gauge: a rate; interval: the amount of a period.",
        ),
    ]
    unit: Annotated[
        Unit,
        said("单位", "Unit", "读数乘以倍率后的单位。", "Of the reading times the multiplier."),
    ]
    multiplier: Annotated[
        float,
        Field(gt=0, le=1e9),
        said(
            "倍率",
            "Multiplier",
            "CT × PT，或脉冲当量；首次变更之前有效。",
            "CT × PT, or the worth of one pulse; until the first change.",
        ),
    ] = 1.0
    digits: Annotated[
        Digits | None,
        said(
            "字轮位数",
            "Digits",
            "仅累计值；未知则归零时差值待审核。",
            "Registers only; where unknown, a fall is withheld for review.",
        ),
    ] = None
    rate_max_per_hour: Annotated[
        Annotated[float, Field(gt=0, le=1e15)] | None,
        said(
            "额定最大速率",
            "Rated maximum rate",
            "仅累计值：乘以倍率后每小时的最大增量，单位同测点；超过者待审核。"
            "省略时按字轮 1500 小时走满一圈。",
            "Registers only: the most one hour can bring, after the multiplier, in the unit; more "
            "is withheld for review. If left out: all digits once in 1,500 h.",
        ),
    ] = None
    hold_seconds: Annotated[
        Annotated[int, Field(ge=1, le=86_400)] | None,
        said(
            "保持时间",
            "Hold",
            "无新值时瞬时值的有效时间，也是累计值不算插值的最大间隔；"
            "省略时瞬时值为一个、累计值为两个基本周期。",
            "How long a gauge stands when silent, and the longest step of a register that is not "
            "called interpolated. If left out: one base interval for a gauge, two for a register.",
        ),
    ] = None
    period_minutes: Annotated[
        Annotated[int, Field(ge=1, le=1440)] | None,
        said("周期", "Period", "仅周期量，必填。", "Interval points only, and needed there."),
    ] = None
    stamp: Annotated[
        Stamp | None,
        said(
            "时标",
            "Stamp",
            "仅周期量，必填：时标为周期的起点或终点。",
            "Interval points only, and needed there: whether the stamp is the period's start or "
            "its end.",
        ),
    ] = None
    quantity: Annotated[
        Quantity | None,
        said(
            "物理量",
            "Quantity",
            "power_factor：功率因数，-1 至 1；share：含量、湿度等占比，0 至 100 %。未给上下限时"
            "据此隔离不可能的读数；温度由单位即知不低于绝对零度。",
            "power_factor: -1 to 1; share: of a whole, as moisture or O2, 0 to 100 %. Readings "
            "that cannot be are quarantined where no limits are given; temperatures need no word.",
        ),
    ] = None
    value_min: Annotated[
        Annotated[float, Field(ge=-1e18, le=1e18)] | None,
        said("下限", "Least value", "读数的物理下限，未乘倍率。", "Of the raw reading."),
    ] = None
    value_max: Annotated[
        Annotated[float, Field(ge=-1e18, le=1e18)] | None,
        said("上限", "Largest value", "读数的物理上限，未乘倍率。", "Of the raw reading."),
    ] = None
    checks: Annotated[
        Checks,
        said(
            "审核限值",
            "Checks",
            "随描述的生效时间分段有效；省略时采用默认值。",
            "Dated as the description is; defaults if left out.",
        ),
    ] = Checks()
    valid_from: Annotated[
        Instant | None,
        said("生效", "Valid from", "更早的读数被隔离。", "Earlier readings are quarantined."),
    ] = None
    valid_to: Annotated[
        Instant | None,
        said("失效", "Valid to", "该时刻起不再有效。", "No longer valid from this instant on."),
    ] = None
    time_zone: Annotated[
        Annotated[str, Field(min_length=1, max_length=64)] | None,
        said(
            "时区",
            "Time zone",
            "读数时标没有时区时采用，省略时为厂区时区。",
            "Of stamps that carry none; the site's if left out.",
        ),
    ] = None
    life: Annotated[
        tuple[Change, ...],
        Field(max_length=200),
        said(
            "变更",
            "Life",
            "倍率、位数、换表、停用，按时间先后。",
            "Multiplier, digits, exchange and retirement, in order of time.",
        ),
    ] = ()


class Meter(Part):
    """A meter and what it measures (计量器具)."""

    code: Annotated[Code, said("编码", "Code", "本厂内唯一。", "Unique in the site.")]
    name: Annotated[Name, said("名称", "Name", "中英文名称。", "In both languages.")]
    gateway: Annotated[
        Code, said("网关", "Gateway", "所接网关的编码。", "Code of the gateway it hangs on.")
    ]
    node: Annotated[
        Code | None,
        said("安装位置", "Location", "所在节点的编码。", "Code of the node where it is fitted."),
    ] = None
    model: Annotated[Text | None, said("型号", "Model", "厂家与型号。", "Maker and type.")] = None
    serial_number: Annotated[
        Text | None, said("出厂编号", "Serial number", "铭牌上的编号。", "As on the name plate.")
    ] = None
    accuracy_class: Annotated[
        Text | None, said("准确度等级", "Accuracy class", "如 0.5S。", "For example 0.5S.")
    ] = None
    calibration_due: Annotated[
        Day | None,
        said(
            "检定有效期",
            "Calibration due",
            "到期日；有检定记录时以最近一次为准。",
            "The last good day; the newest of the calibrations stands before it.",
        ),
    ] = None
    calibrations: Annotated[
        tuple[Calibration, ...],
        Field(max_length=200),
        said("检定记录", "Calibrations", "证书及有效期。", "Certificates and when they end."),
    ] = ()
    points: Annotated[
        tuple[Point, ...],
        Field(min_length=1, max_length=200),
        said("测点", "Points", "至少一个。", "At least one."),
    ]


def silent_after(point: Point, *, base_interval: timedelta) -> timedelta:
    """Return how long after its last reading a point counts as silent.

    Two base intervals, or two of its own periods where those are longer, and a minute.
    """
    period = timedelta(minutes=point.period_minutes or 0)
    return 2 * max(base_interval, period) + timedelta(minutes=1)
