"""电费单 bills: by month, band, step and basic charge, each line to the fen."""

from datetime import date, datetime
from typing import Any, Literal

from fastapi import APIRouter, Depends
from pydantic import Field

from api.dependencies import End, Schema, SiteCode, Start, Store
from api.schema import Answer, CostReason, TariffUsed, about, tariff_used
from api.security import Who, needs
from compute.quantities import quantity
from services import bill as service
from services.bill import ContractBill, MonthBill

router = APIRouter(tags=["电价与电费 tariffs"], dependencies=[Depends(needs("read"))])


class BillLine(Schema):
    """One line of a bill."""

    kind: Literal["band", "step", "basic"] = Field(
        description="band 分时电量 | step 阶梯加价 | basic 基本电费"
    )
    code: str
    name_zh: str
    name_en: str
    valid_from: date = Field(description="所依电价版本 / Version of the tariff")
    quantity: float | None = Field(description="用量、需量或容量 / Amount, demand or capacity")
    unit: str = Field(examples=["kWh"])
    share: float = Field(description="基本电费所占当月比例 / Part of the month, of a basic charge")
    price: float = Field(description="单价 / Price [CNY per unit]")
    cny: float | None = Field(
        description="金额，四舍五入到分；null: 需量未知 / rounded to the fen; null: no demand known"
    )


class MonthOfBill(Schema):
    """One contract and calendar month."""

    start: datetime
    end: datetime
    is_open: bool = Field(description="当月未结束：截至目前 / Not over: so far")
    lines: list[BillLine]
    total_cny: float | None = Field(description="各行之和 / Sum of the lines [CNY]")
    power_kw_max: float | None = Field(description=quantity("power_kw_max").description)
    power_at: datetime | None = Field(description="最大需量窗口的起点 / Start of its window")
    known_share: float


class BillOfContract(Schema):
    """What one tariff prices."""

    target: str = Field(examples=["flow/grid-in"])
    carrier: str
    flows: list[str]
    tariffs: list[TariffUsed]
    months: list[MonthOfBill]


class Bill(Answer):
    """The bills of a site."""

    reason: CostReason | None = Field(description="为何没有电费单 / Why there is none")
    contracts: list[BillOfContract]
    without_tariff: list[str] = Field(
        description="没有价格的流入能流 / Flows that enter and have no price"
    )


def _month(month: MonthBill) -> dict[str, Any]:
    return {
        **{name: getattr(month, name) for name in MonthOfBill.model_fields},
        "total_cny": None if month.total_cny is None else float(month.total_cny),
        "lines": [
            {
                **{name: getattr(line, name) for name in BillLine.model_fields},
                "cny": None if line.cny is None else float(line.cny),
            }
            for line in month.lines
        ],
    }


def _contract(contract: ContractBill) -> dict[str, Any]:
    return {
        "target": "/".join(contract.target),
        "carrier": contract.carrier,
        "flows": list(contract.flows),
        "tariffs": [tariff_used(row) for row in contract.tariffs],
        "months": [_month(month) for month in contract.months],
    }


@router.get("/bill", operation_id="get_bill", summary="电费单 / Bill")
async def get_bill(principal: Who, database: Store, site: SiteCode, start: Start, end: End) -> Bill:
    """Return the bills of the calendar months that the period touches, each month whole.

    返回时段所涉各自然月的电费单；每行四舍五入到分，合计为各行之和。
    """
    found = await service.bill(
        database, tenant_id=principal.tenant_id, site=site, start=start, end=end
    )
    return Bill.model_validate(
        {
            **about(found.state),
            "reason": None if found.reason is None else found.reason.value,
            "contracts": [_contract(contract) for contract in found.contracts],
            "without_tariff": list(found.without_tariff),
        }
    )
