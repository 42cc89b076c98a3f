"""The plant description: one document per site, as frozen records.

The records hold the shape of the document. What its parts say of each other is in `check`, how it
is read in `read`, and what it becomes for the kernels in `compile`.
"""

from typing import Annotated, Literal

from pydantic import Field

from services.plant.arithmetic import TEXT_LENGTH_MAX
from services.plant.benchmark import Benchmark, Shift
from services.plant.equipment import Losses, MarketFactor, Stock, Yield
from services.plant.gateway import Gateway
from services.plant.metering import Digits, Meter, Point
from services.plant.tariff import Tariff
from services.plant.words import Code, Instant, Name, Part, Text, Unit, said

SCHEMA_VERSION = "nengtan.plant/1"

NodeForm = Literal["source", "conversion", "bus", "storage", "use", "delivery"]
SiteForm = Literal["enterprise", "park"]


class Member(Part):
    """An enterprise of a park, for a span of time (园区成员企业)."""

    tenant: Annotated[
        Code, said("租户", "Tenant", "成员企业的租户编码。", "Code of the member's tenant.")
    ]
    node: Annotated[
        Code | None,
        said(
            "节点",
            "Node",
            "园区边界树中代表该成员的节点。",
            "The node of the park's tree that stands for the member.",
        ),
    ] = None
    valid_from: Annotated[Instant, said("加入", "Valid from", "成员关系开始。", "It joined then.")]
    valid_to: Annotated[
        Instant | None, said("退出", "Valid to", "成员关系结束。", "It left then.")
    ] = None


class Node(Part):
    """A place in the boundary tree (边界树的节点)."""

    code: Annotated[Code, said("编码", "Code", "本厂内唯一。", "Unique in the site.")]
    name: Annotated[Name, said("名称", "Name", "中英文名称。", "In both languages.")]
    kind: Annotated[
        NodeForm,
        said(
            "类型",
            "Kind",
            "source 外部供应、conversion 加工转换、bus 输送分配、storage 储能、use 终端使用、"
            "delivery 外供；source 与 delivery 在所有边界之外。",
            "source, conversion, bus, storage, use or delivery; source and delivery lie outside "
            "every boundary.",
        ),
    ]
    parent: Annotated[
        Code | None,
        said("上级", "Parent", "所属节点的编码，根节点省略。", "Node it lies in; none: a root."),
    ] = None
    metering_level: Annotated[
        Literal["secondary", "equipment"] | None,
        said(
            "计量级别",
            "Metering level",
            "secondary：主要次级用能单位；equipment：主要用能设备。用于计量器具配备率。",
            "secondary: a main secondary unit; equipment: main equipment. For the rate of "
            "provision with meters (GB 17167).",
        ),
    ] = None
    balance_tolerance: Annotated[
        Annotated[float, Field(gt=0, le=1)] | None,
        said(
            "平衡允许差",
            "Balance tolerance",
            "输入与输出之差占较大一侧的比例，超过者列入审核。"
            "省略时输送分配节点为 0.1，其他节点不核查。",
            "Difference of inputs and outputs as a share of the larger; more is shown for review. "
            "If left out: 0.1 for a bus, and not looked at elsewhere.",
        ),
    ] = None
    losses: Annotated[
        Losses | None,
        said(
            "损失",
            "Losses",
            "仅输送分配节点；省略表示不计损失。",
            "Of a bus only; left out, nothing is lost in it.",
        ),
    ] = None
    efficiency: Annotated[
        Yield | None,
        said(
            "效率",
            "Efficiency",
            "仅加工转换与储能；省略时由计量值推算。",
            "Of a conversion or storage only; left out, it follows from the meters.",
        ),
    ] = None
    stock: Annotated[
        Stock | None,
        said("储量", "Stock", "仅储能；省略时由平衡推算。", "Of a storage only; else derived."),
    ] = None


class Metering(Part):
    """A point's part in an amount (测点在用量中的份额)."""

    point: Annotated[Code, said("测点", "Point", "测点编码。", "Code of the point.")]
    share: Annotated[
        float,
        Field(ge=-1e6, le=1e6),
        said("份额", "Share", "带符号，1 为全部计入。", "With its sign; 1 counts it in full."),
    ] = 1.0


class Flow(Part):
    """A carrier on its way from one node to another (能流)."""

    code: Annotated[Code, said("编码", "Code", "本厂内唯一。", "Unique in the site.")]
    name: Annotated[Name | None, said("名称", "Name", "可省略。", "May be left out.")] = None
    from_node: Annotated[
        Code,
        Field(alias="from"),
        said("起点", "From", "起点节点的编码。", "Code of the node it leaves."),
    ]
    to_node: Annotated[
        Code,
        Field(alias="to"),
        said("终点", "To", "终点节点的编码。", "Code of the node it enters."),
    ]
    carrier: Annotated[
        Text, said("能源品种", "Carrier", "能源品种编码。", "Code of the energy carrier.")
    ]
    feedstock: Annotated[
        bool,
        said("原料用能", "Feedstock", "作原料，不燃烧。", "Used as material: it burns nothing."),
    ] = False
    metered_by: Annotated[
        tuple[Metering, ...],
        Field(max_length=100),
        said("计量", "Metered by", "为空表示未计量。", "None: the flow is unmetered."),
    ] = ()
    market_factor: Annotated[
        MarketFactor | None,
        said(
            "市场法因子",
            "Market-based factor",
            "仅来自 source 的能流；省略时与地区法相同。",
            "Of a flow from a source only; as location-based if left out.",
        ),
    ] = None


class Product(Part):
    """What the plant makes, counted or weighed (产品)."""

    code: Annotated[Code, said("编码", "Code", "本厂内唯一。", "Unique in the site.")]
    name: Annotated[Name, said("名称", "Name", "中英文名称。", "In both languages.")]
    unit: Annotated[Unit, said("单位", "Unit", "产量单位。", "Unit of its amounts.")]
    node: Annotated[
        Code, said("节点", "Node", "生产该产品的节点。", "Code of the node that makes it.")
    ]
    metered_by: Annotated[
        tuple[Metering, ...],
        Field(max_length=100),
        said("计量", "Metered by", "为空表示人工填报。", "None: entered by hand."),
    ] = ()


class VirtualMeter(Part):
    """An amount computed from those of points and of other virtual meters (虚拟表)."""

    code: Annotated[
        Code,
        said(
            "编码", "Code", "不与测点和其他虚拟表相同。", "Unlike that of any point or other one."
        ),
    ]
    name: Annotated[Name | None, said("名称", "Name", "可省略。", "May be left out.")] = None
    unit: Annotated[
        Unit,
        said(
            "单位",
            "Unit",
            "结果的用量单位；测点按其用量单位代入。",
            "Of the result, an amount; points count in the unit their amounts are kept in.",
        ),
    ]
    formula: Annotated[
        str,
        Field(min_length=1, max_length=TEXT_LENGTH_MAX),
        said(
            "公式",
            "Formula",
            "逐个基本周期计算：+ - × ÷、括号、比较、if(条件, 是, 否)、min、max、abs、"
            "first_known(a, b)；编码含 - . : 时写在方括号里，如 [grid-1] - P2。缺数则结果未知。",
            "For each base interval: + - × ÷, parentheses, comparisons, if(condition, then, else), "
            "min, max, abs, first_known(a, b); codes with - . : stand in brackets, as in "
            "[grid-1] - P2. Unknown where something it needs is.",
        ),
    ]


class Plant(Part):
    """The description of one site (一个厂区的描述文件)."""

    schema_version: Annotated[
        Literal["nengtan.plant/1"],
        Field(alias="schema"),
        said("格式版本", "Schema", "固定为 nengtan.plant/1。", "Always nengtan.plant/1."),
    ]
    tenant: Annotated[Code, said("租户", "Tenant", "租户编码。", "Code of the tenant.")]
    site: Annotated[Code, said("厂区", "Site", "租户内唯一。", "Unique in the tenant.")]
    name: Annotated[Name, said("名称", "Name", "中英文名称。", "In both languages.")]
    kind: Annotated[
        SiteForm,
        said("类别", "Kind", "企业或园区。", "An enterprise, or a park, which is its own tenant."),
    ] = "enterprise"
    valid_from: Annotated[
        Instant,
        said(
            "生效",
            "Valid from",
            "从此刻起代替更早的描述，须在基本周期的边界上。",
            "Replaces earlier descriptions from here on; an edge of the base interval.",
        ),
    ]
    time_zone: Annotated[
        Annotated[str, Field(min_length=1, max_length=64)],
        said("时区", "Time zone", "IANA 名称，如 Asia/Shanghai。", "IANA name."),
    ]
    base_interval_minutes: Annotated[
        Literal[1, 5, 15],
        said("基本周期", "Base interval", "15、5 或 1 分钟。", "15, 5 or 1 minutes."),
    ] = 15
    day_start: Annotated[
        Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")],
        said(
            "日切时刻",
            "Day start",
            "统计日的起点，须在基本周期的边界上。",
            "When the business day starts, HH:MM; an edge of the base interval.",
        ),
    ] = "00:00"
    region: Annotated[
        Annotated[str, Field(pattern=r"^([0-9]{6}|[A-Z]{2}(-[A-Z0-9_]{1,20})?)$")],
        said(
            "地区",
            "Region",
            "GB/T 2260 省级代码，如 320000；境外为 ISO 3166 国家代码。用于电网因子。",
            "GB/T 2260 code of the province, or the ISO 3166 country; chooses grid factors.",
        ),
    ]
    park: Annotated[
        Code | None,
        said(
            "园区",
            "Park",
            "企业同意向其共享汇总数据的园区租户。",
            "Tenant of the park that the enterprise consents to share sums with.",
        ),
    ] = None
    members: Annotated[
        tuple[Member, ...],
        Field(max_length=1_000),
        said("成员", "Members", "仅园区。", "Of a park only."),
    ] = ()
    gateways: Annotated[
        tuple[Gateway, ...],
        Field(max_length=1_000),
        said("网关", "Gateways", "数据网关。", "What sends readings."),
    ] = ()
    nodes: Annotated[
        tuple[Node, ...],
        Field(max_length=20_000),
        said("节点", "Nodes", "边界树。", "The boundary tree."),
    ] = ()
    flows: Annotated[
        tuple[Flow, ...],
        Field(max_length=20_000),
        said("能流", "Flows", "节点之间的能流。", "Between nodes."),
    ] = ()
    meters: Annotated[
        tuple[Meter, ...],
        Field(max_length=20_000),
        said("计量器具", "Meters", "表计与测点。", "Meters and points."),
    ] = ()
    products: Annotated[
        tuple[Product, ...],
        Field(max_length=1_000),
        said("产品", "Products", "产品与产量信号。", "With their signals."),
    ] = ()
    virtual_meters: Annotated[
        tuple[VirtualMeter, ...],
        Field(max_length=2_000),
        said("虚拟表", "Virtual meters", "由公式计算的用量。", "Amounts computed by a formula."),
    ] = ()
    tariffs: Annotated[
        tuple[Tariff, ...],
        Field(max_length=200),
        said(
            "电价与能源价格",
            "Tariffs",
            "按能流或品种；也可经接口逐个版本录入。",
            "Of flows or carriers; versions can also be stated one by one through the API.",
        ),
    ] = ()
    shifts: Annotated[
        tuple[Shift, ...],
        Field(max_length=24),
        said("班次", "Shifts", "每日班次。", "Of every day."),
    ] = ()
    benchmarks: Annotated[
        tuple[Benchmark, ...],
        Field(max_length=2_000),
        said("对标单元", "Benchmarks", "产品、工序与设备。", "Products, processes, equipment."),
    ] = ()


__all__ = [
    "SCHEMA_VERSION",
    "Benchmark",
    "Digits",
    "Flow",
    "Gateway",
    "Member",
    "Meter",
    "Metering",
    "Name",
    "Node",
    "NodeForm",
    "Plant",
    "Point",
    "Product",
    "Shift",
    "SiteForm",
    "Tariff",
    "VirtualMeter",
]
