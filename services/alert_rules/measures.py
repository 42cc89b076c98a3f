"""What a rule can ask for: the one table of names, their units, objects and periods.

A name that is also in the nomenclature (`compute.quantities`) means the same here. The page of
documentation prints this table, the editor completes from it, and what fills the cells of rules
answers each line of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from compute.quantities import quantity

ObjectKind = Literal[
    "site", "node", "flow", "product", "point", "meter", "unit", "gateway", "service"
]
PeriodName = Literal["live", "interval", "hour", "day", "month", "year"]
FunctionName = Literal["value", "forecast", "previous", "budget"]

Functions = Mapping[FunctionName, tuple[PeriodName, ...]]

# Kinds whose objects a selector names by the label of the same name.
NAMED_KINDS: tuple[ObjectKind, ...] = (
    "node",
    "flow",
    "product",
    "point",
    "meter",
    "unit",
    "gateway",
)


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the table.

    Attributes
    ----------
    name : str
        As a rule writes it, unit last.
    unit : str
        A symbol of `compute.units`, or a quotient of two; `{}` is the unit of the object: that of
        a flow's carrier, of a product, or of a unit to benchmark.
    kinds : tuple of str
        Of what there is one. The first is meant where a selector names no object; the others are
        meant by their label, as in `power_kw{node}`.
    periods : tuple of str
        Over which there is one; the first is meant where none is written.
    functions : mapping of str to tuple of str
        What can be asked besides `value`, and over which periods: `forecast`, of the end of the
        period; `previous`, of the whole period before; `budget`, of what a site or node is allowed.
    zh, en : str
        What people call it.
    about_zh, about_en : str
        What exactly it is, where the name leaves doubt.
    """

    name: str
    unit: str
    kinds: tuple[ObjectKind, ...]
    periods: tuple[PeriodName, ...]
    functions: Functions
    zh: str
    en: str
    about_zh: str = ""
    about_en: str = ""

    @property
    def takes_carrier(self) -> bool:
        """Whether a node's share of one carrier can be asked for."""
        return "node" in self.kinds and self.periods[0] == "day"

    def over(self, function: FunctionName) -> tuple[PeriodName, ...]:
        """Return the periods over which a function of it can be asked for; none: it cannot."""
        return self.periods if function == "value" else self.functions.get(function, ())


_BOUNDARIES: tuple[ObjectKind, ...] = ("site", "node", "flow")
_LIVE: tuple[PeriodName, ...] = ("live",)
_OPEN: tuple[PeriodName, ...] = ("day", "interval", "hour", "month", "year")
_RATIO: tuple[PeriodName, ...] = ("day", "live", "interval", "hour", "month", "year")
_LONG: tuple[PeriodName, ...] = ("day", "month", "year")
_NOTHING: Functions = {}
_EXPECTED: Functions = {"forecast": _LONG, "previous": _OPEN}
_AMOUNT: Functions = {**_EXPECTED, "budget": _LONG}
# What a budget is of.
BUDGET_KINDS: tuple[ObjectKind, ...] = ("site", "node")


def _of(
    name: str,
    kinds: tuple[ObjectKind, ...],
    periods: tuple[PeriodName, ...],
    functions: Functions = _NOTHING,
    about_zh: str = "",
    about_en: str = "",
) -> Measure:
    """Return the line of a name of the nomenclature, which says its unit and what it is called."""
    known = quantity(name)
    unit = known.unit or "{}"
    return Measure(name, unit, kinds, periods, functions, known.zh, known.en, about_zh, about_en)


_AMOUNTS = (
    *(
        _of(name, _BOUNDARIES, _OPEN, _AMOUNT)
        for name in ("energy_kwh", "coal_equivalent_tce", "coal_equal_tce")
    ),
    Measure(
        "emission_tco2e",
        "tCO2e",
        _BOUNDARIES,
        _OPEN,
        _AMOUNT,
        "碳排放量",
        "Emission",
        "直接排放与购入电力、热力排放之和。",
        "From burning fuel, and of purchased electricity and heat.",
    ),
    *(
        _of(name, _BOUNDARIES, _OPEN, _AMOUNT)
        for name in ("emission_direct_tco2e", "emission_purchased_tco2e")
    ),
    _of("amount", ("flow",), _OPEN, _EXPECTED),
    _of("product_amount", ("product",), _OPEN, _EXPECTED),
    _of(
        "covered_share",
        _BOUNDARIES,
        _OPEN,
        _NOTHING,
        "已过去的时间中有读数覆盖的比例。",
        "Of the time that has passed.",
    ),
)
_RATES = (
    _of("power_kw", _BOUNDARIES, _LIVE),
    _of("emission_rate_kgco2e_per_h", _BOUNDARIES, _LIVE),
    Measure(
        "coal_equivalent_kgce_per_h",
        "kgce/h",
        _BOUNDARIES,
        _LIVE,
        _NOTHING,
        "实时综合能耗速率（当量值）",
        "Energy consumption now, equivalent value",
    ),
    Measure(
        "amount_per_h",
        "{}/h",
        ("flow", "product"),
        _LIVE,
        _NOTHING,
        "实时流量或产量速率",
        "Flow or output now",
    ),
    Measure(
        "demand_kw",
        "kW",
        _BOUNDARIES,
        ("interval", "month"),
        {"forecast": ("interval",), "previous": ("month",), "budget": ("month",)},
        "需量（15 分钟平均功率）",
        "Demand: mean power over 15 minutes",
        "厂区与节点只计电力。interval：正在进行的一刻钟，与基本周期无关；month：本月至今的最大值。",
        "Of a site or node: of electricity. interval: the quarter of an hour that is open, "
        "whatever the base interval; month: the highest of the month so far.",
    ),
)
_RATIOS = (
    Measure(
        "intensity_kgce_per_unit",
        "kgce/{}",
        ("product",),
        _RATIO,
        _EXPECTED,
        "单位产品综合能耗",
        "Energy consumption per unit of product",
    ),
    Measure(
        "intensity_kgco2e_per_unit",
        "kgCO2e/{}",
        ("product",),
        _RATIO,
        _EXPECTED,
        "单位产品排放强度",
        "Emission per unit of product",
    ),
    Measure(
        "intensity_kgco2e_per_kwh",
        "kgCO2e/kWh",
        ("node",),
        _LIVE,
        _NOTHING,
        "用能的碳强度",
        "Carbon intensity of the energy used",
    ),
    Measure(
        "benchmark_value",
        "{}",
        ("unit",),
        ("day", "month"),
        {"forecast": ("day", "month")},
        "对标单元的单耗或效率",
        "Value of a unit to benchmark",
    ),
    Measure(
        "benchmark_level",
        "1",
        ("unit",),
        ("month", "day"),
        _NOTHING,
        "至今达到的能效等级",
        "Level met so far",
        "1 最好；超过限额时比最末级多一；没有限额时未知。",
        "1 is best; one more than the last where none is met; unknown without a norm.",
    ),
    Measure(
        "benchmark_level_end",
        "1",
        ("unit",),
        ("month", "day"),
        _NOTHING,
        "按预测期末达到的能效等级",
        "Level that the end of the period is expected to meet",
        "同 benchmark_level。",
        "As benchmark_level.",
    ),
)
_BALANCES = (
    _of(
        "residual_share",
        ("node",),
        ("hour", "live", "interval", "day"),
        _NOTHING,
        "只对母线（bus）；转换与储能设备进出本就不等，故未知。",
        "Of buses alone; what converts or stores does not give out what it takes in: unknown.",
    ),
    Measure(
        "residual_z",
        "1",
        ("node",),
        ("interval", "live", "day"),
        _NOTHING,
        "平衡差的检验统计量 |z|",
        "Test statistic |z| of a balance's residual",
        "平衡差除以其标准不确定度（由各表准确度等级与分辨力得出）；有未计量的进出时未知。",
        "Residual over its standard uncertainty, from class and resolution of its meters; "
        "unknown where something in it is not metered.",
    ),
    Measure(
        "suspect_z",
        "1",
        ("flow",),
        ("interval", "live", "day"),
        _NOTHING,
        "可疑计量的检验统计量 |z|",
        "Test statistic |z| of a suspect meter",
        "未被列为可疑时为 0。",
        "0 where it is no suspect.",
    ),
)
_DATA = (
    Measure(
        "silent_s",
        "s",
        ("point", "gateway"),
        _LIVE,
        _NOTHING,
        "超过应到时刻而未到数据的时长",
        "Time since readings should have come",
        "应到而未到起算；未到期为 0。测点：两个周期加一分钟后算作应到。",
        "0 while none are due. Of a point they are due two periods and a minute after the last.",
    ),
    Measure(
        "frozen",
        "1",
        ("point",),
        _LIVE,
        _NOTHING,
        "读数冻结（1 是，0 否）",
        "Readings frozen: 1 or 0",
        "按测点的 checks 判定；未设限值时未知。",
        "By the point's own checks; unknown where they set no limit.",
    ),
    Measure(
        "gap_open_s",
        "s",
        ("gateway",),
        _LIVE,
        _NOTHING,
        "报文序号缺口持续时长",
        "How long message numbers have been missing",
        "无缺口为 0。",
        "0 without a gap.",
    ),
    Measure(
        "quarantine_share",
        "1",
        ("gateway",),
        ("hour",),
        _NOTHING,
        "被隔离的读数比例",
        "Share of readings that were quarantined",
        "最近一小时；没有收到数据时未知。",
        "Of the last hour; unknown where nothing came.",
    ),
    Measure(
        "calibration_due_d",
        "d",
        ("meter",),
        _LIVE,
        _NOTHING,
        "距检定到期的天数",
        "Days until calibration is due",
        "负数为已逾期；没有到期日时未知。",
        "Negative: overdue; unknown where no day is on file.",
    ),
)
_SERVICES = (
    Measure(
        "ingest_lag_s",
        "s",
        ("service",),
        _LIVE,
        _NOTHING,
        "接收滞后",
        "How far ingest is behind",
        "最早一条已收到而未入库的报文的等待时长。",
        "How long the oldest message has waited that is received and not stored.",
    ),
    Measure(
        "worker_lag_s",
        "s",
        ("service",),
        _LIVE,
        _NOTHING,
        "计算滞后",
        "How far computing is behind",
        "最早一个待重算周期的等待时长。",
        "How long the oldest dirty interval has waited.",
    ),
    Measure(
        "ingest_running",
        "1",
        ("service",),
        _LIVE,
        _NOTHING,
        "接收进程在运行（1 是，0 否）",
        "Ingest is running: 1 or 0",
    ),
    Measure(
        "broker_connected",
        "1",
        ("service",),
        _LIVE,
        _NOTHING,
        "已连接 MQTT 代理（1 是，0 否）",
        "Connected to the broker: 1 or 0",
    ),
    Measure(
        "disk_free_share", "1", ("service",), _LIVE, _NOTHING, "磁盘剩余比例", "Share of disk free"
    ),
    Measure(
        "database_answer_s",
        "s",
        ("service",),
        _LIVE,
        _NOTHING,
        "数据库应答时长",
        "Time the database takes to answer",
    ),
)

MEASURES: tuple[Measure, ...] = (
    *_AMOUNTS,
    *_RATES,
    *_RATIOS,
    *_BALANCES,
    *_DATA,
    *_SERVICES,
)
BY_NAME: dict[str, Measure] = {measure.name: measure for measure in MEASURES}
