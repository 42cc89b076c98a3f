"""Units to benchmark and the shifts of a day, as they are written in a plant description."""

from typing import Annotated, Literal

from pydantic import Field

from services.plant.words import Clock, Code, Day, Name, Part, Text, said

BenchmarkKind = Literal["product", "process", "equipment"]


class Shift(Part):
    """A shift of every day (班次)."""

    code: Annotated[Code, said("编码", "Code", "本厂内唯一。", "Unique in the site.")]
    name: Annotated[Name, said("名称", "Name", "如 早班。", "Such as Morning shift.")]
    from_time: Annotated[
        Clock,
        Field(alias="from"),
        said("起", "From", "当地时刻，在基本周期的边界上。", "Wall clock, on an edge."),
    ]
    to_time: Annotated[
        Clock,
        Field(alias="to"),
        said("止", "To", "不晚于起即跨午夜。", "Not after From: it ends the day after."),
    ]


class LimitUse(Part):
    """A limit or level that a unit is held against (对标依据)."""

    limit: Annotated[
        Code,
        said(
            "限额编码",
            "Limit",
            "见 GET /api/v1/limits，如 gb16780-2021.clinker。",
            "As GET /api/v1/limits lists them, such as gb16780-2021.clinker.",
        ),
    ]
    compared_with: Annotated[
        Text | None,
        said(
            "核对依据",
            "Compared with",
            "凭记忆录入的限额须由人对照原文核对后才参与评级：写明文件、页码与核对人。",
            "A figure on file from memory gives a level only once somebody compared it: the "
            "document, its page and the person.",
        ),
    ] = None


class BenchmarkTarget(Part):
    """A unit's own target for a time (内部目标)."""

    value: Annotated[
        float,
        Field(ge=-1e9, le=1e9),
        said("目标值", "Value", "单位同 unit。", "In the unit of the benchmark."),
    ]
    valid_from: Annotated[
        Day, Field(alias="from"), said("起", "From", "首日，当地。", "First day, local.")
    ]
    valid_to: Annotated[
        Day | None, Field(alias="to"), said("止", "To", "末日之后一天。", "The day after the last.")
    ] = None
    source: Annotated[
        Text, said("依据", "Source", "如 2026 年节能目标责任书。", "Where it is agreed.")
    ]


class BenchmarkParameter(Part):
    """What a correction term of a limit asks of the plant (修正参数)."""

    name: Annotated[
        Code, said("名称", "Name", "如 clinker_share_percent。", "Such as clinker_share_percent.")
    ]
    value: Annotated[float, Field(ge=-1e9, le=1e9), said("数值", "Value", "数值。", "Its value.")]


class Benchmark(Part):
    """A product, process or piece of equipment to benchmark (对标单元).

    Its value is energy over output, or, for % and W/W, output over energy. Energy is what crosses
    the boundaries of `nodes` and what `flows` carry; output is a product, or what `output_flows`
    carry.
    """

    code: Annotated[Code, said("编码", "Code", "本厂内唯一。", "Unique in the site.")]
    name: Annotated[Name, said("名称", "Name", "中英文名称。", "In both languages.")]
    kind: Annotated[
        BenchmarkKind,
        said("类别", "Kind", "产品、工序或设备。", "A product, a process or equipment."),
    ]
    unit: Annotated[
        Text,
        said(
            "单位",
            "Unit",
            "如 kgce/t（综合能耗，当量值）、kWh/t（电耗）、kW/(m3/min)、%、W/W（效率）。",
            "kgce/t: all energy by its equivalent value; kWh/t: electricity alone; kW/(m3/min); "
            "% and W/W: useful energy over energy taken.",
        ),
    ]
    nodes: Annotated[
        tuple[Code, ...],
        Field(max_length=100),
        said("用能节点", "Nodes", "计其边界内的消费。", "What they consume is counted."),
    ] = ()
    flows: Annotated[
        tuple[Code, ...],
        Field(max_length=100),
        said(
            "用能能流", "Flows", "计入的能流，如设备输入。", "Counted, as the inputs of equipment."
        ),
    ] = ()
    product: Annotated[
        Code | None, said("产品", "Product", "产量的产品编码。", "The product that is made.")
    ] = None
    output_flows: Annotated[
        tuple[Code, ...],
        Field(max_length=100),
        said(
            "产出能流",
            "Output flows",
            "代替产品：如空压站供气、锅炉供汽。",
            "Instead of a product: the air of compressors, the steam of a boiler.",
        ),
    ] = ()
    limits: Annotated[
        tuple[LimitUse, ...],
        Field(max_length=20),
        said(
            "对标依据", "Limits", "限额、标杆与设备能效水平。", "Norms, lists and equipment levels."
        ),
    ] = ()
    targets: Annotated[
        tuple[BenchmarkTarget, ...],
        Field(max_length=100),
        said("内部目标", "Targets", "按时段有效。", "Each for its time."),
    ] = ()
    parameters: Annotated[
        tuple[BenchmarkParameter, ...],
        Field(max_length=20),
        said("修正参数", "Parameters", "限额修正项所需。", "That correction terms ask for."),
    ] = ()
