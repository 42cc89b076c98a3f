"""What a node does to the energy that passes it: losses, efficiency, content."""

from typing import Annotated

from pydantic import Field

from services.plant.words import Code, Part, Text, said

_Positive = Annotated[float, Field(gt=0, le=1e9)]
_NotNegative = Annotated[float, Field(ge=0, le=1e9)]
_Share = Annotated[float, Field(gt=0, le=1)]


class Transformer(Part):
    """A transformer that a bus is fed through (变压器)."""

    rated_kva: Annotated[
        _Positive, said("额定容量", "Rated power", "铭牌值，kVA。", "As on the name plate, in kVA.")
    ]
    no_load_kw: Annotated[
        _NotNegative,
        said("空载损耗", "No-load loss", "铭牌值，kW。", "As on the name plate, in kW."),
    ]
    load_kw: Annotated[
        _NotNegative,
        said("负载损耗", "Load loss", "额定负载时，kW。", "At rated load, in kW."),
    ]
    power_factor: Annotated[
        _Share,
        said("功率因数", "Power factor", "平均值；省略时为 0.95。", "Mean; 0.95 if left out."),
    ] = 0.95


class Line(Part):
    """A three-phase line that a bus is fed through (三相线路)."""

    resistance_ohm: Annotated[
        _Positive, said("每相电阻", "Resistance of a phase", "单位：欧姆。", "In ohm.")
    ]
    voltage_kv: Annotated[
        _Positive, said("线电压", "Line voltage", "相间电压，kV。", "Between phases, in kV.")
    ]
    power_factor: Annotated[
        _Share,
        said("功率因数", "Power factor", "平均值；省略时为 0.95。", "Mean; 0.95 if left out."),
    ] = 0.95


class Losses(Part):
    """What is lost in a bus before its outputs are metered (输送分配损失)."""

    transformer: Annotated[
        Transformer | None, said("变压器", "Transformer", "可省略。", "May be left out.")
    ] = None
    line: Annotated[Line | None, said("线路", "Line", "可省略。", "May be left out.")] = None
    share: Annotated[
        Annotated[float, Field(ge=0, lt=1)],
        said(
            "损失率",
            "Share lost",
            "占流入量的比例，如管网散热与泄漏。",
            "Of what enters: heat lost and leaks of a pipe.",
        ),
    ] = 0.0
    uncertainty: Annotated[
        _Share,
        said(
            "不确定度",
            "Uncertainty",
            "损失的相对标准不确定度；省略时为 0.2。",
            "Standard uncertainty of the loss, as a share of it; 0.2 if left out.",
        ),
    ] = 0.2


class Yield(Part):
    """Energy out per energy in of a conversion, or of a storage (转换效率)."""

    value: Annotated[
        Annotated[float, Field(gt=0, le=10)],
        said(
            "效率",
            "Efficiency",
            "输出与输入能量之比，按折标能量计；热泵可大于 1。",
            "Energy out per energy in, by the energy of the carriers; a heat pump may exceed 1.",
        ),
    ]
    uncertainty: Annotated[
        _Share,
        said(
            "不确定度",
            "Uncertainty",
            "效率的标准不确定度（绝对值），如 0.02。",
            "Standard uncertainty of the efficiency (absolute), such as 0.02.",
        ),
    ]


class Stock(Part):
    """The measured content of a storage (储量)."""

    point: Annotated[
        Code,
        said(
            "测点",
            "Point",
            "瞬时值测点，读数乘以倍率后为所存能量。",
            "A gauge of which the reading times the multiplier is the energy held.",
        ),
    ]


class MarketFactor(Part):
    """The emission factor that a contract gives a supply (合同约定的排放因子, market-based)."""

    kgco2e_per_kwh: Annotated[
        Annotated[float, Field(ge=0, le=100)],
        said("因子", "Factor", "kgCO₂e/kWh；绿电为 0。", "In kgCO2e per kWh; 0 of green power."),
    ]
    source: Annotated[
        Text,
        said("依据", "Source", "合同、绿电凭证或剩余组合的出处。", "Contract, certificate or mix."),
    ]
