"""能流分析 energy flow: nodes and links of the Sankey, and the balance of each node."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from api.dependencies import End, SiteCode, Start, Store
from api.schema import Answer, Assessed, about, assessed
from api.security import Who, needs
from compute.quantities import quantity
from services import energy_flow
from services.energy_flow import FlowLink, FlowNode, FlowUnit, Role

router = APIRouter(tags=["能流分析 energy flow"], dependencies=[Depends(needs("read"))])


class Node(Assessed):
    """A node and its balance; grade and flags are those of the residual."""

    code: str
    name_zh: str
    name_en: str
    kind: str = Field(description="source | conversion | bus | storage | use | delivery")
    parent: str | None
    input_value: float | None = Field(description="流入合计；有未知则 null / In; null if not known")
    output_value: float | None = Field(description="流出合计 / Out; null if not known")
    residual_value: float | None = Field(description=quantity("residual_kwh").description)


class Link(Assessed):
    """Energy from a node to a node, the way it went."""

    code: str
    name_zh: str | None
    name_en: str | None
    source: str
    target: str
    carrier: str
    role: Role = Field(
        description="supply 供入 | transfer 传输 | charge 充 | discharge 放 | return 回流"
        " | delivery 外供"
    )
    value: float | None = Field(
        description="null: 未计量或无效 / not metered, missing or invalid", examples=[1250.5]
    )
    derived: bool = Field(description="由节点平衡推得 / Found as the balance of a node")


class EnergyFlow(Answer):
    """Nodes and links of a site over a period."""

    start: datetime
    end: datetime
    unit: FlowUnit
    nodes: list[Node]
    links: list[Link]


def _node(node: FlowNode) -> dict[str, Any]:
    return {
        "code": node.code,
        "name_zh": node.name.zh,
        "name_en": node.name.en,
        "kind": node.kind,
        "parent": node.parent,
        "input_value": node.input_value,
        "output_value": node.output_value,
        "residual_value": node.residual_value,
        **assessed(node.residual_quality),
    }


def _link(link: FlowLink) -> dict[str, Any]:
    quality = assessed(link.total.quality)
    return {
        "code": link.code,
        "name_zh": None if link.name is None else link.name.zh,
        "name_en": None if link.name is None else link.name.en,
        "source": link.source,
        "target": link.target,
        "carrier": link.carrier,
        "role": link.role,
        "value": link.value,
        "derived": "derived" in quality["flags"],
        **quality,
    }


@router.get("/energy-flow", operation_id="get_energy_flow", summary="能流图 / Sankey")
async def get_energy_flow(
    principal: Who,
    database: Store,
    site: SiteCode,
    start: Start,
    end: End,
    unit: Annotated[FlowUnit, Query(description="统一单位 / Common unit")] = "kWh",
) -> EnergyFlow:
    """Return nodes, links and residuals over any period in one unit.

    返回任意时段的桑基图节点、连线与平衡差额。
    """
    found = await energy_flow.trace(
        database, tenant_id=principal.tenant_id, site=site, start=start, end=end, unit=unit
    )
    return EnergyFlow.model_validate(
        {
            **about(found.state),
            "start": start,
            "end": end,
            "unit": unit,
            "nodes": [_node(node) for node in found.nodes],
            "links": [_link(link) for link in found.links],
        }
    )
