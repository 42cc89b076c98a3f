"""能量平衡 energy balance: reconciled flows, their tests, and where differences went."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from api.dependencies import End, Schema, SiteCode, Start, Store
from api.schema import Answer, about
from api.security import Who, needs
from compute.periods import Grain
from services import balance
from services.balance_figures import BalancedFlow, ClassName, GlobalTest
from services.losses import NodeBalance
from services.plant.model import Name

router = APIRouter(tags=["能流分析 energy flow"], dependencies=[Depends(needs("read"))])


class Test(Schema):
    """The global test (χ²) of all balances together; null where no meter is redundant."""

    degrees_of_freedom: int = Field(description="自由度：独立平衡数 / Independent balances")
    objective: float | None = Field(description="目标函数值 / Weighted sum of squared adjustments")
    critical_objective: float | None = Field(description="临界值 / Its limit at the level")
    objective_left: float | None = Field(
        description="剔除可疑表计之后的目标函数值 / The same without the suspects"
    )
    rejects: bool | None = Field(description="是否拒绝 / Meters contradict the balances")
    critical_z: float | None = Field(description="测量检验 |z| 的临界值 / Limit of |z|")
    level: float = Field(description="显著性水平 / Chance of a false alarm")


class Suspect(Schema):
    """Meters of which one contradicts the balances; z and bias are of the first one named."""

    flows: list[str] = Field(description="可疑能流；多条则平衡无法区分 / Suspected flows")
    nodes: list[str] = Field(
        description="可疑的节点参数（损失、效率、储量） / Nodes whose parameters are suspected"
    )
    meters: list[str] = Field(description="其计量器具 / Their meters")
    z: float = Field(description="测量检验；正为示值偏大 / Positive: too much is shown")
    bias_kwh: float = Field(description="估计偏差 / How much too much [kWh]")
    bias_sigma_kwh: float = Field(description="偏差的标准不确定度 / Its standard uncertainty [kWh]")


class Flow(Schema):
    """A flow as measured and as reconciled; sigma is a standard uncertainty."""

    code: str
    name_zh: str | None
    name_en: str | None
    source: str
    target: str
    carrier: str
    measured_kwh: float | None = Field(
        description="计量值；未计量或有缺口为 null / As metered; null if not whole"
    )
    sigma_kwh: float | None = Field(description="计量值的标准不确定度 / Of the meter")
    value_kwh: float | None = Field(description="校正值；不可观测为 null / Reconciled")
    value_sigma_kwh: float | None = Field(description="校正值的标准不确定度 / Of the value")
    adjustment_kwh: float | None = Field(description="校正值减计量值 / Value less measured")
    z: float | None = Field(description="测量检验 / Measurement test; null: no balance tests it")
    class_name: ClassName = Field(
        alias="class",
        description="redundant 冗余 | measured_only 仅由计量得知 | observable 可推算"
        " | unobservable 不可观测",
    )
    alike: list[str] = Field(
        description="平衡无法与之区分的能流 / Flows that the balances cannot tell from it"
    )
    suspect: bool
    meters: list[str]
    class_assumed: bool = Field(
        description="有表计未写准确度等级，按 2 级计 / A meter says no class: class 2 is assumed"
    )


class NodeParts(Schema):
    """A node's balance; metered_in - metered_out is the sum of the parts from transformer on."""

    code: str
    name_zh: str
    name_en: str
    kind: str
    metered_in_kwh: float
    metered_out_kwh: float
    input_kwh: float | None
    output_kwh: float | None
    transformer_loss_kwh: float | None = Field(description="变压器损耗 / GB/T 13462")
    line_loss_kwh: float | None = Field(description="线路损耗 / DL/T 686")
    pipe_loss_kwh: float | None = Field(description="管网损失 / By the share given")
    conversion_loss_kwh: float | None = Field(description="转换损失 / In less out and kept")
    stock_change_kwh: float | None = Field(description="储量变化 / Kept")
    unmetered_kwh: float | None = Field(description="未计量部分 / Taken without a meter")
    meters_kwh: float | None = Field(description="计量误差部分 / What meters' errors explain")
    meters_sigma_kwh: float = Field(description="计量误差的预期 / What one sigma of them allows")
    efficiency: float | None = Field(description="输出与输入之比 / Out per in, reconciled")


class Message(Schema):
    """Why something is not known, where, and the remedy."""

    code: Literal["no_balance", "unobservable", "infeasible"]
    places: list[str]
    text_zh: str
    text_en: str


class Balance(Answer):
    """The balance of a site over a period."""

    start: datetime
    end: datetime
    source: Literal["interval", "day", "period"] = Field(
        description="interval、day：已存结果；period：查询时计算 / stored, or closed on asking"
    )
    formula: str = Field(examples=["balance/1"])
    test: Test
    flows: list[Flow]
    nodes: list[NodeParts]
    suspects: list[Suspect]
    messages: list[Message]


class TestedInterval(Schema):
    """The tests of one interval."""

    start: datetime
    test: Test
    suspects: list[Suspect]


class History(Answer):
    """The tests of intervals in a row; those in which nothing was measured are left out."""

    rows: list[TestedInterval]


def _named(name: Name | None) -> dict[str, str | None]:
    return {
        "name_zh": None if name is None else name.zh,
        "name_en": None if name is None else name.en,
    }


def _test(test: GlobalTest) -> dict[str, Any]:
    return asdict(test)


def _flow(flow: BalancedFlow) -> dict[str, Any]:
    fields = asdict(flow)
    fields["class"] = fields.pop("class_name")
    fields["suspect"] = fields.pop("is_suspect")
    return {**fields, **_named(flow.name)}


def _node(node: NodeBalance) -> dict[str, Any]:
    return {**asdict(node), **_named(node.name)}


def _without_name(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key != "name"}


@router.get("/balance", operation_id="get_balance", summary="能量平衡 / Energy balance")
async def get_balance(
    principal: Who, database: Store, site: SiteCode, start: Start, end: End
) -> Balance:
    """Return reconciled flows, tests, suspects and losses of one interval or period.

    返回任意时段经数据校正的能量平衡：各能流计量值、校正值、不确定度与检验，可疑表计，损失分解。
    """
    found = await balance.balance(
        database, tenant_id=principal.tenant_id, site=site, start=start, end=end
    )
    return Balance.model_validate(
        {
            **about(found.state),
            "start": start,
            "end": end,
            "source": found.source,
            "formula": f"balance/{found.formula}",
            "test": _test(found.test),
            "flows": [_without_name(_flow(flow)) for flow in found.flows],
            "nodes": [_without_name(_node(node)) for node in found.nodes],
            "suspects": [asdict(suspect) for suspect in found.suspects],
            "messages": [asdict(message) for message in found.messages],
        }
    )


@router.get(
    "/balance/history", operation_id="get_balance_history", summary="平衡检验 / Tests of balances"
)
async def get_balance_history(
    principal: Who,
    database: Store,
    site: SiteCode,
    start: Start,
    end: End,
    interval: Annotated[
        Literal["base", "day"], Query(description="base：至多 32 天；day：至多 400 天 / At most")
    ] = "base",
) -> History:
    """Return the global test and the suspects of every closed interval or day of a period.

    返回时段内逐周期的总体检验与可疑表计。
    """
    state, rows = await balance.history(
        database,
        tenant_id=principal.tenant_id,
        site=site,
        start=start,
        end=end,
        grain=Grain.BASE if interval == "base" else Grain.DAY,
    )
    return History.model_validate(
        {
            **about(state),
            "rows": [
                {
                    "start": row.start,
                    "test": _test(row.test),
                    "suspects": [asdict(suspect) for suspect in row.suspects],
                }
                for row in rows
            ],
        }
    )
