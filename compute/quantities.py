"""The nomenclature: what each quantity is called, measured in, and how it adds up.

API descriptions, column comments, panel titles and documentation are drawn from this table, so a
name has one meaning and one unit everywhere. Shares are 0..1, never percent. Unless the sign
column says otherwise, into the boundary is positive.
"""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from compute.errors import NengtanError

Aggregation = Literal["sum", "mean", "last", "ratio", "max"]


class QuantityNotFound(NengtanError):
    """A name is not in the nomenclature."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"quantity {name!r} is not in the nomenclature{hint(name, _BY_NAME)}")


@dataclass(frozen=True, slots=True)
class Quantity:
    """One line of the nomenclature.

    Attributes
    ----------
    name : str
        Name of the column, unit last.
    unit : str
        Unit of the value, symbols as in `compute.units`; "" where it is that of the carrier or
        product.
    zh, en : str
        What people call it.
    aggregation : str
        How values of short intervals make one of a long interval: `sum`; time-weighted `mean`;
        `last`; `max`; `ratio`, which is formed again from its aggregated parts.
    sign : str
        What a positive value means.
    clause : str
        Standard and clause that define it; "" for our own bookkeeping.
    """

    name: str
    unit: str
    zh: str
    en: str
    aggregation: Aggregation
    sign: str
    clause: str

    @property
    def description(self) -> str:
        """Chinese, English, unit and clause on one line."""
        unit = f" [{self.unit}]" if self.unit else ""
        clause = f" ({self.clause})" if self.clause else ""
        return f"{self.zh} / {self.en}{unit}{clause}"


_IN = "into the boundary"
_ALWAYS = "never negative"
_ALONG = "in the direction of the flow"
_2589 = "GB/T 2589-2020, "
_32150 = "GB/T 32150-2015, "

QUANTITIES: tuple[Quantity, ...] = tuple(
    Quantity(*row)
    for row in (
        # What every result row holds.
        ("amount", "", "实物量", "Amount in the unit of the carrier", "sum", _ALONG, _2589 + "6"),
        ("energy_kwh", "kWh", "能量", "Calorific energy", "sum", _IN, _2589 + "3"),
        (
            "coal_equivalent_tce",
            "tce",
            "综合能耗（当量值）",
            "Comprehensive energy consumption, equivalent value",
            "sum",
            _IN,
            _2589 + "3.2",
        ),
        (
            "coal_equal_tce",
            "tce",
            "综合能耗（等价值）",
            "Comprehensive energy consumption, equal value",
            "sum",
            _IN,
            _2589 + "3.3",
        ),
        (
            "emission_direct_tco2e",
            "tCO2e",
            "直接排放（燃料燃烧）",
            "Direct emission from burning fuel",
            "sum",
            "to the air",
            _32150 + "fuel combustion",
        ),
        (
            "emission_purchased_tco2e",
            "tCO2e",
            "购入电力、热力排放",
            "Emission of purchased electricity and heat, less sold",
            "sum",
            "bought; sold is negative",
            _32150 + "purchased and exported electricity and heat",
        ),
        ("covered_us", "µs", "有读数覆盖的时长", "Time covered by readings", "sum", _ALWAYS, ""),
        ("covered_share", "1", "数据覆盖率", "Share of time covered", "ratio", "0..1", ""),
        ("reading_count", "1", "读数个数", "Number of readings", "sum", _ALWAYS, ""),
        # Other emissions.
        (
            "emission_process_tco2e",
            "tCO2e",
            "过程排放",
            "Process emission",
            "sum",
            "to the air",
            _32150 + "process emission",
        ),
        (
            "emission_total_tco2e",
            "tCO2e",
            "温室气体排放总量",
            "Total greenhouse gas emission",
            "sum",
            "to the air",
            _32150 + "total",
        ),
        (
            "emission_rate_kgco2e_per_h",
            "kgCO2e/h",
            "实时排放速率",
            "Emission rate now",
            "mean",
            "to the air",
            "",
        ),
        (
            "emission_biogenic_tco2",
            "tCO2",
            "生物质燃烧排放（备查）",
            "Biogenic CO2, memo item outside the total",
            "sum",
            "to the air",
            _32150 + "scope",
        ),
        (
            "footprint_kgco2e",
            "kgCO2e",
            "产品碳足迹（每功能单位）",
            "Product carbon footprint per functional unit",
            "ratio",
            "to the air",
            "GB/T 24067-2024",
        ),
        # Rates and states.
        ("power_kw", "kW", "功率", "Power", "mean", _ALONG, ""),
        ("power_kw_max", "kW", "最大需量", "Highest demand", "max", _ALONG, ""),
        ("register_kwh", "kWh", "表码", "Register, cumulative", "last", _ALONG, ""),
        ("stored_kwh", "kWh", "储能存量", "Energy in storage", "last", _ALWAYS, ""),
        # Balance and flow.
        (
            "residual_kwh",
            "kWh",
            "平衡差额",
            "Balance residual: in less out less loss",
            "sum",
            "more came in than went out",
            "GB/T 28749-2012",
        ),
        (
            "residual_share",
            "1",
            "平衡差率",
            "Balance residual over what came in",
            "ratio",
            "more came in than went out",
            "GB/T 28749-2012",
        ),
        ("loss_kwh", "kWh", "损失", "Loss", "sum", _ALWAYS, "GB/T 28751-2012"),
        (
            "efficiency_share",
            "1",
            "能源利用效率",
            "Useful output over input",
            "ratio",
            _ALWAYS,
            "GB/T 28751-2012",
        ),
        ("heat_gj", "GJ", "热量", "Heat", "sum", _IN, _2589 + "8"),
        ("renewable_share", "1", "可再生能源占比", "Share of renewables", "ratio", "0..1", ""),
        # Products, money and intensity.
        ("product_amount", "", "产品产量", "Product made", "sum", "made", _2589 + "3.7"),
        ("output_value_10k_cny", "1e4CNY", "产值", "Output value", "sum", "made", _2589 + "3.6"),
        ("value_added_10k_cny", "1e4CNY", "增加值", "Value added", "sum", "made", _2589 + "3.6"),
        (
            "cost_cny",
            "CNY",
            "用能成本（按用量计，不含基本电费）",
            "Cost of energy by amount, without the basic charge",
            "sum",
            "paid; income is negative",
            "",
        ),
        (
            "intensity_kgce_per_t",
            "kgce/t",
            "单位产品综合能耗",
            "Comprehensive energy consumption per unit of product",
            "ratio",
            _IN,
            _2589 + "3.7",
        ),
        (
            "intensity_tce_per_10k_cny",
            "tce/1e4CNY",
            "单位产值（增加值）综合能耗",
            "Comprehensive energy consumption per output value or value added",
            "ratio",
            _IN,
            _2589 + "3.6",
        ),
        (
            "intensity_tco2e_per_t",
            "tCO2e/t",
            "单位产品排放强度",
            "Emission per unit of product",
            "ratio",
            "to the air",
            "GB/T 32150-2015",
        ),
        (
            "intensity_tco2e_per_10k_cny",
            "tCO2e/1e4CNY",
            "单位产值（增加值）排放强度",
            "Emission per output value or value added",
            "ratio",
            "to the air",
            "GB/T 32150-2015",
        ),
        (
            "factor_tco2_per_mwh",
            "tCO2/MWh",
            "电力排放因子",
            "Carbon intensity of electricity",
            "ratio",
            "to the air",
            _32150 + "purchased electricity",
        ),
        # Targets.
        ("budget_tce", "tce", "用能预算", "Energy budget", "sum", "allowed", ""),
        ("budget_tco2e", "tCO2e", "碳排放预算", "Carbon budget", "sum", "allowed", ""),
        ("allowance_tco2e", "tCO2e", "碳排放配额", "Emission allowance", "last", "held", ""),
    )
)

_BY_NAME: dict[str, Quantity] = {quantity.name: quantity for quantity in QUANTITIES}


def quantity(name: str) -> Quantity:
    """Return the line of the nomenclature with this name.

    Raises
    ------
    QuantityNotFound
        If there is none; the message says the nearest name.
    """
    found = _BY_NAME.get(name)
    if found is None:
        raise QuantityNotFound(name)
    return found


def hint(name: str, known: Iterable[str]) -> str:
    """Return the end of a message that says which known name is nearest: "" if none is near."""
    lowered = {item.casefold(): item for item in known}
    near = difflib.get_close_matches(name.casefold(), lowered, n=1, cutoff=0.6)
    return f"; did you mean {lowered[near[0]]!r}?" if near else ""
