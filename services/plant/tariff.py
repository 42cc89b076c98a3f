"""A tariff as it is written: dated versions of prices by season, kind of day and time of day.

Prices are data of a contract or a notice, and each version says which. What the parts say of each
other is in `check_tariff`, what they become for the kernels in `compile_tariff`.
"""

from typing import Annotated, Literal

from pydantic import Field

from services.plant.words import Clock, Code, Day, MonthDay, Name, Part, Text, Unit, said

BasicMethodName = Literal["demand", "contract", "capacity"]

_Price = Annotated[float, Field(ge=-1e6, le=1e6)]
_Positive = Annotated[float, Field(gt=0, le=1e9)]


class Band(Part):
    """A price that holds at certain times (时段电价)."""

    code: Annotated[Code, said("编码", "Code", "如 peak。", "Such as peak.")]
    name: Annotated[Name, said("名称", "Name", "如 高峰。", "Such as Peak.")]
    price: Annotated[
        _Price,
        said(
            "单价",
            "Price",
            "每计价单位的元数；可为负，即向用户付费。",
            "CNY per unit of amount; negative is paid to the user.",
        ),
    ]


class TimeSpan(Part):
    """A part of the day and its band (时段)."""

    from_time: Annotated[
        Clock, Field(alias="from"), said("起", "From", "当地时刻，含。", "Wall clock, inclusive.")
    ]
    to_time: Annotated[
        Clock,
        Field(alias="to"),
        said("止", "To", "当地时刻，不含；一天止于 24:00。", "Exclusive; a day ends at 24:00."),
    ]
    band: Annotated[Code, said("时段", "Band", "时段电价的编码。", "Code of the band.")]


class DaySchedule(Part):
    """Which band holds when, over a whole day (日时段表)."""

    code: Annotated[Code, said("编码", "Code", "本版本内唯一。", "Unique in the version.")]
    times: Annotated[
        tuple[TimeSpan, ...],
        Field(min_length=1, max_length=96),
        said(
            "时段",
            "Times",
            "从 00:00 到 24:00，不缺不叠。",
            "00:00 to 24:00 without gap or overlap.",
        ),
    ]


class Season(Part):
    """A part of the year and its schedules (季节)."""

    name: Annotated[Name, said("名称", "Name", "如 夏季。", "Such as Summer.")]
    from_day: Annotated[
        MonthDay, Field(alias="from"), said("起", "From", "月-日，含。", "MM-DD, inclusive.")
    ]
    to_day: Annotated[
        MonthDay,
        Field(alias="to"),
        said(
            "止",
            "To",
            "月-日，含；可跨年。二月末写 02-29。",
            "MM-DD, inclusive; may lie in the next year. The end of February is 02-29.",
        ),
    ]
    workday: Annotated[
        Code, said("工作日", "Workday", "日时段表的编码。", "Code of a day schedule.")
    ]
    weekend: Annotated[
        Code | None,
        said("周末", "Weekend", "省略则同工作日。", "Left out: as on workdays."),
    ] = None
    holiday: Annotated[
        Code | None,
        said("节假日", "Holiday", "省略则同周末。", "Left out: as at weekends."),
    ] = None


class SpecialDays(Part):
    """Days that are not what the week says (节假日与调休)."""

    from_day: Annotated[Day, Field(alias="from"), said("起", "From", "首日。", "The first day.")]
    to_day: Annotated[Day, Field(alias="to"), said("止", "To", "末日，含。", "The last day.")]
    kind: Annotated[
        Literal["holiday", "workday"],
        said("类型", "Kind", "holiday 节假日，workday 调休上班。", "A holiday, or a day worked."),
    ]
    name: Annotated[Name, said("名称", "Name", "如 春节。", "Such as Spring Festival.")]


class Step(Part):
    """A surcharge on what exceeds an amount (阶梯加价)."""

    above: Annotated[
        Annotated[float, Field(ge=0, le=1e15)],
        said("起点", "Above", "超过此用量的部分。", "Amount beyond which it applies."),
    ]
    add: Annotated[_Price, said("加价", "Add", "元/计价单位。", "CNY per unit of amount.")]


class Steps(Part):
    """Surcharges that grow with the amount since the month or the year began (阶梯电价)."""

    per: Annotated[
        Literal["month", "year"],
        said("周期", "Per", "按月或按年累计。", "Counted from the month's or year's first day."),
    ]
    levels: Annotated[
        tuple[Step, ...],
        Field(min_length=1, max_length=20),
        said("档", "Levels", "按起点递增。", "Ascending."),
    ]


class Basic(Part):
    """The basic charge of two-part prices (两部制的基本电费)."""

    method: Annotated[
        BasicMethodName,
        said(
            "方式",
            "Method",
            "demand 实际最大需量，contract 合同需量，capacity 变压器容量。",
            "By actual demand, demand of the contract, or capacity of the transformers.",
        ),
    ]
    price: Annotated[
        Annotated[float, Field(ge=0, le=1e6)],
        said("单价", "Price", "元/千瓦·月或元/千伏安·月。", "CNY per kW or kVA and month."),
    ]
    agreed: Annotated[
        _Positive | None,
        said(
            "约定值",
            "Agreed",
            "合同需量（kW）或变压器容量（kVA）。",
            "Demand of the contract [kW], or capacity [kVA].",
        ),
    ] = None
    window_minutes: Annotated[
        Annotated[int, Field(ge=1, le=60)],
        said("需量窗口", "Window", "表计的需量周期。", "Demand window of the meter."),
    ] = 15
    excess_from_share: Annotated[
        Annotated[float, Field(ge=1, le=10)],
        said("超约定倍数", "Excess from", "仅 contract，如 1.05。", "By contract, such as 1.05."),
    ] = 1.05
    excess_price_factor: Annotated[
        Annotated[float, Field(ge=0, le=100)],
        said("超约定价倍数", "Excess factor", "仅 contract，如 2。", "By contract, such as 2."),
    ] = 2.0


class TariffVersion(Part):
    """A tariff as it holds from a day on (电价版本)."""

    valid_from: Annotated[
        Day,
        said("生效日", "Valid from", "当地 0 时起。", "From local midnight, until the next one."),
    ]
    source: Annotated[
        Text, said("来源", "Source", "合同或文件。", "The contract or notice that it is from.")
    ]
    unit: Annotated[Unit, said("计价单位", "Unit", "如 kWh、Nm3、t。", "Of amounts: kWh, Nm3, t.")]
    bands: Annotated[
        tuple[Band, ...],
        Field(min_length=1, max_length=50),
        said("时段电价", "Bands", "每个时段的单价。", "The price of each."),
    ]
    days: Annotated[
        tuple[DaySchedule, ...],
        Field(max_length=100),
        said("日时段表", "Days", "只有一个单价时省略。", "Left out where there is one price."),
    ] = ()
    seasons: Annotated[
        tuple[Season, ...],
        Field(max_length=100),
        said("季节", "Seasons", "覆盖全年，不缺不叠。", "The whole year, no gap, no overlap."),
    ] = ()
    special_days: Annotated[
        tuple[SpecialDays, ...],
        Field(max_length=2_000),
        said("特殊日", "Special days", "节假日与调休。", "Holidays, and weekends worked."),
    ] = ()
    steps: Annotated[Steps | None, said("阶梯", "Steps", "阶梯加价。", "Surcharges by amount.")] = (
        None
    )
    basic: Annotated[Basic | None, said("基本电费", "Basic", "两部制。", "Of two-part prices.")] = (
        None
    )


class Tariff(Part):
    """What a flow, or every flow of a carrier that enters the site, costs (电价与能源价格)."""

    flow: Annotated[
        Code | None, said("能流", "Flow", "与 carrier 二选一。", "One of flow and carrier.")
    ] = None
    carrier: Annotated[
        Text | None,
        said(
            "能源品种",
            "Carrier",
            "从厂外流入、没有自己电价的各能流合为一份合同。",
            "Flows that enter the site and have no tariff of their own, as one contract.",
        ),
    ] = None
    name: Annotated[Name | None, said("名称", "Name", "可省略。", "May be left out.")] = None
    versions: Annotated[
        tuple[TariffVersion, ...],
        Field(min_length=1, max_length=200),
        said("版本", "Versions", "每个生效日一个。", "One for each first day."),
    ]
