"""What was collected: completeness and self-collection of points and meters, by month."""

from datetime import datetime

from fastapi import APIRouter, Depends
from pydantic import Field

from api.dependencies import End, Schema, SiteCode, Start, Store
from api.schema import Answer, about
from api.security import Who, needs
from services import collection

router = APIRouter(tags=["数据审核 data audit"], dependencies=[Depends(needs("read"))])


class Collected(Schema):
    """What was collected of a point in a month."""

    month: datetime
    meter: str
    point: str
    completeness: float = Field(
        description="完整率：读数覆盖应采时段的比例 / Share of the time due that readings cover"
    )
    self_collection: float = Field(
        description="数据自采率：其中由网关自动采集的比例 / Likewise, by what gateways sent"
    )
    completeness_min: float = Field(description="完整率下限 / What the description asks for")
    is_complete: bool = Field(description="不低于下限 / Whether it is no less")


class CollectedMeter(Schema):
    """What was collected of a meter in a month: its points together."""

    month: datetime
    meter: str
    completeness: float
    self_collection: float


class Collection(Answer):
    """Completeness and self-collection per point, meter and month."""

    start: datetime
    end: datetime
    points: list[Collected]
    meters: list[CollectedMeter]


@router.get(
    "/data-audit/collection",
    operation_id="get_collection",
    summary="完整率与数据自采率 / Completeness and self-collection",
)
async def collected(
    principal: Who, database: Store, site: SiteCode, start: Start, end: End
) -> Collection:
    """Return completeness and self-collection of every point and meter, month by month.

    按月返回各测点与表计的完整率与数据自采率。
    """
    answer = await collection.collection(
        database, tenant_id=principal.tenant_id, site=site, start=start, end=end
    )
    points = [
        {
            "month": row.month,
            "meter": row.meter,
            "point": row.point,
            "completeness": row.completeness,
            "self_collection": row.self_collection,
            "completeness_min": row.completeness_min,
            "is_complete": row.completeness >= row.completeness_min,
        }
        for row in answer.rows
    ]
    meters = [
        {"month": month, "meter": meter, "completeness": share, "self_collection": own}
        for (month, meter), (share, own) in collection.by_meter(answer.rows).items()
    ]
    return Collection.model_validate(
        {**about(answer.state), "start": start, "end": end, "points": points, "meters": meters}
    )
