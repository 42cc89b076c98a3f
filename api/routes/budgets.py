"""用能与碳排放预算 budgets: what a node may use in a period, how it stands, and how it will end."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from api.dependencies import Code, End, Instant, Schema, SiteInPath, Start, Store, Text
from api.schema import Answer, about
from api.security import Who, needs
from services import budgets
from services.budgets import BudgetQuantity
from services.store.budgets import PERIODS, BudgetPeriod, BudgetRow

router = APIRouter(tags=["预算 budgets"], dependencies=[Depends(needs("read"))])
write_router = APIRouter(tags=["预算 budgets"], dependencies=[Depends(needs("budget.write"))])

_KNOWN = "null: 未知 / not known"


class Stated(Schema):
    """A budget as it was stated."""

    node: str = Field(description="空: 全厂区 / Empty: the whole site")
    quantity: str
    unit: str
    period: BudgetPeriod
    start: datetime
    revision: int
    amount: float | None = Field(description="null: 撤回 / withdrawn")
    reason: str
    stated_at: datetime
    stated_by: str


class Budget(Stated):
    """A budget that holds, and where its period stands."""

    end: datetime
    used: float | None = Field(description=f"已用 / Used so far; {_KNOWN}")
    forecast: float | None = Field(description=f"预计期末 / At the end; {_KNOWN}")
    forecast_low: float | None = Field(description=f"95% 区间下限 / Lower end of 95 %; {_KNOWN}")
    forecast_high: float | None = Field(description=f"95% 区间上限 / Upper end of 95 %; {_KNOWN}")
    time_share: float = Field(description="时间进度，0..1 / Share of the period that has passed")


class Budgets(Answer):
    """The budgets of the periods that hold an instant."""

    method: str = Field(description="预测方法 / How the end is forecast")
    budgets: list[Budget]


class HistoricBudget(Stated):
    """A statement, and whether it holds."""

    holds: bool


class BudgetHistory(Answer):
    """Every statement of periods that begin in a span."""

    budgets: list[HistoricBudget]


class BudgetBody(Schema):
    """What to state."""

    node: Code | None = Field(default=None, description="省略：全厂区 / Left out: the whole site")
    quantity: BudgetQuantity
    period: BudgetPeriod
    start: Instant
    amount: Annotated[float, Field(ge=0, lt=float("inf"), allow_inf_nan=False)] | None = Field(
        description="预算量；null 撤回 / How much; null withdraws it"
    )
    reason: Text


_METHOD = (
    "已用 + 剩余步数 × 近期步均值（日看小时、月看日、年看月） / used + steps left x"
    " mean of the steps before (hours of a day, days of a month, months of a year)"
)


@router.get("/sites/{site}/budgets", operation_id="list_budgets", summary="预算执行 / Budgets")
async def list_budgets(
    site: SiteInPath,
    principal: Who,
    database: Store,
    at: Annotated[Instant | None, Query(description="时刻，默认现在 / Instant; now")] = None,
) -> Budgets:
    """Return the budgets of the periods that hold an instant, and how they will end.

    返回某时刻所在各周期的预算、已用量与期末预测。
    """
    found = await budgets.list_budgets(database, tenant_id=principal.tenant_id, site=site, at=at)
    return Budgets.model_validate(
        {
            **about(found.state),
            "method": _METHOD,
            "budgets": [
                {
                    **_stated(standing.row),
                    "end": standing.end_ts,
                    "used": standing.used,
                    "forecast": standing.forecast,
                    "forecast_low": standing.low,
                    "forecast_high": standing.high,
                    "time_share": standing.time_share,
                }
                for standing in found.rows
            ],
        }
    )


@router.get(
    "/sites/{site}/budgets/history",
    operation_id="list_budget_history",
    summary="预算调整记录 / Statements",
)
async def list_history(
    site: SiteInPath, principal: Who, database: Store, start: Start, end: End
) -> BudgetHistory:
    """Return everything stated of periods that begin in a span.

    返回时段内开始的各周期的历次预算与调整原因。
    """
    found = await budgets.list_statements(
        database, tenant_id=principal.tenant_id, site=site, start=start, end=end
    )
    return BudgetHistory.model_validate(
        {
            **about(found.state),
            "budgets": [{**_stated(row), "holds": holds} for row, holds in found.rows],
        }
    )


@write_router.put("/sites/{site}/budgets", operation_id="state_budget", summary="下达预算 / State")
async def state_budget(
    site: SiteInPath, body: BudgetBody, principal: Who, database: Store
) -> Stated:
    """State how much a node may use in a period; it takes the place of what was stated before.

    下达或调整预算；旧版本保留可查。
    """
    row = await budgets.state_budget(
        database,
        tenant_id=principal.tenant_id,
        actor=principal.actor,
        site=site,
        node=body.node or "",
        quantity=body.quantity,
        period=body.period,
        start=body.start,
        amount=body.amount,
        reason=body.reason,
    )
    return Stated.model_validate(_stated(row))


def _stated(row: BudgetRow) -> dict[str, object]:
    return {
        "node": row.node,
        "quantity": row.quantity,
        "unit": budgets.UNITS[row.quantity],
        "period": PERIODS[row.grain],
        "start": row.start_ts,
        "revision": row.revision,
        "amount": row.amount,
        "reason": row.reason,
        "stated_at": row.stated_at,
        "stated_by": row.stated_by,
    }
