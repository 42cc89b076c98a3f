"""电价与能源价格 tariffs: dated versions of what a flow or carrier costs."""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field

from api.dependencies import Code, Schema, SiteInPath, Store
from api.schema import Answer, about
from api.security import Who, needs
from services import tariffs
from services.plant.tariff import TariffVersion
from services.tariffs import Stated

router = APIRouter(tags=["电价与电费 tariffs"], dependencies=[Depends(needs("read"))])
write_router = APIRouter(tags=["电价与电费 tariffs"], dependencies=[Depends(needs("plant.write"))])

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "description": "格式见 /api/v1/tariffs/schema / A version; its form is at"
                    " /api/v1/tariffs/schema",
                }
            }
        },
    }
}
FlowCode = Annotated[Code | None, Query(description="能流；与 carrier 二选一 / Flow, or carrier")]
CarrierCode = Annotated[
    Code | None, Query(description="流入厂区的品种 / Carrier that enters the site")
]


class TariffStated(Schema):
    """A version as it was stated."""

    target: str = Field(examples=["flow/grid-in"])
    valid_from: date
    revision: int
    holds: bool = Field(description="现行 / Whether it holds, or was replaced or withdrawn")
    stated_at: datetime
    stated_by: str
    sha256: str
    document: dict[str, Any] | None = Field(description="null: 撤回 / withdrawn")


class Tariffs(Answer):
    """Every version ever stated for a site."""

    tariffs: list[TariffStated]


class StatedTariff(Schema):
    """What stating or withdrawing a version did."""

    target: str
    valid_from: date
    revision: int
    changed: bool = Field(description="false: 与现行版本相同 / it holds already")


def _stated(done: Stated) -> StatedTariff:
    return StatedTariff(
        target="/".join(done.target),
        valid_from=done.valid_from,
        revision=done.revision,
        changed=done.changed,
    )


@router.get("/tariffs/schema", operation_id="get_tariff_schema", summary="电价格式 / Schema")
async def get_schema() -> dict[str, Any]:
    """Return the JSON Schema of a version of a tariff.

    返回电价版本的 JSON Schema。
    """
    return TariffVersion.model_json_schema(by_alias=True, mode="validation")


@router.get("/sites/{site}/tariffs", operation_id="list_tariffs", summary="电价 / Tariffs")
async def list_tariffs(site: SiteInPath, principal: Who, database: Store) -> Tariffs:
    """Return every version ever stated, by flow or carrier, day and revision.

    返回历次录入的电价版本。
    """
    found = await tariffs.list_tariffs(database, tenant_id=principal.tenant_id, site=site)
    return Tariffs.model_validate(
        {
            **about(found.state),
            "tariffs": [
                {
                    "target": f"{row.target_kind}/{row.target}",
                    "valid_from": row.valid_from,
                    "revision": row.revision,
                    "holds": (
                        (row.target_kind, row.target),
                        row.valid_from,
                        row.revision,
                    )
                    in found.holding,
                    "stated_at": row.stated_at,
                    "stated_by": row.stated_by,
                    "sha256": row.sha256,
                    "document": row.document,
                }
                for row in found.rows
            ],
        }
    )


@write_router.put(
    "/sites/{site}/tariffs",
    operation_id="state_tariff",
    summary="录入电价版本 / State a version",
    openapi_extra=_BODY,
)
async def state_tariff(
    site: SiteInPath,
    request: Request,
    principal: Who,
    database: Store,
    flow: FlowCode = None,
    carrier: CarrierCode = None,
) -> StatedTariff:
    """Add a version; it takes the place of one of the same day, and costs follow at once.

    录入一个版本；同一生效日的旧版本被取代，成本随即按新价计算。
    """
    done = await tariffs.state(
        database,
        tenant_id=principal.tenant_id,
        actor=principal.actor,
        site=site,
        target=tariffs.target_of(flow=flow, carrier=carrier),
        content=await request.body(),
    )
    return _stated(done)


@write_router.delete(
    "/sites/{site}/tariffs",
    operation_id="withdraw_tariff",
    summary="撤回电价版本 / Withdraw a version",
)
async def withdraw_tariff(
    site: SiteInPath,
    principal: Who,
    database: Store,
    valid_from: Annotated[date, Query(description="生效日 / Its first day")],
    flow: FlowCode = None,
    carrier: CarrierCode = None,
) -> StatedTariff:
    """Take the version of a day back; it stays readable.

    撤回某一生效日的版本；记录保留。
    """
    done = await tariffs.withdraw(
        database,
        tenant_id=principal.tenant_id,
        actor=principal.actor,
        site=site,
        target=tariffs.target_of(flow=flow, carrier=carrier),
        valid_from=valid_from,
    )
    return _stated(done)
