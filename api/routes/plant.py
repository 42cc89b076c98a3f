"""Sites and their plant descriptions."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import Field

from api.dependencies import Schema, SiteInPath, Store
from api.errors import finding_document
from api.schema import Answer, about
from api.security import Who, needs
from services import sites
from services.plant.schema import plant_schema

router = APIRouter(tags=["厂区描述 plant"], dependencies=[Depends(needs("read"))])
write_router = APIRouter(tags=["厂区描述 plant"], dependencies=[Depends(needs("plant.write"))])

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "description": "格式见 /api/v1/plant/schema / A plant description;"
                    " its form is at /api/v1/plant/schema",
                }
            }
        },
    }
}


class SiteListed(Schema):
    """A site."""

    code: str
    name_zh: str
    name_en: str
    kind: str
    time_zone: str
    version: int = Field(description="最新描述的版本 / Version of the newest description")


class SiteAnswer(Answer):
    """A site and how far its readings reach."""

    site: SiteListed
    base_interval_us: int = Field(description="基本周期 / Base interval [µs]")
    day_start_us: int = Field(description="日切时刻 / Start of the day after midnight [µs]")


class PlantVersion(Schema):
    """A description without its text."""

    version: int
    valid_from: datetime
    applied_at: datetime
    applied_by: str
    sha256: str


class PlantDocument(PlantVersion):
    """A description."""

    document: dict[str, Any]


class Finding(Schema):
    """One fault of a description."""

    code: str
    severity: Literal["error", "warning"]
    pointer: str
    value: str | int | float | bool | None
    line: int | None
    nearest: str | None
    detail: str
    detail_zh: str
    remedy: str
    remedy_zh: str


class CheckResult(Schema):
    """What is wrong with a description."""

    fit: bool = Field(description="可以应用 / It can be applied")
    findings: list[Finding]


class AppliedPlant(Schema):
    """What applying a description did."""

    version: int
    changed: bool = Field(description="false: 与现行版本相同 / it stood already")


@router.get("/sites", operation_id="list_sites", summary="厂区列表 / Sites")
async def list_sites(principal: Who, database: Store) -> list[SiteListed]:
    """Return the sites of the tenant.

    返回本租户的厂区。
    """
    rows = await sites.list_sites(database, tenant_id=principal.tenant_id)
    return [SiteListed.model_validate(row) for row in rows]


@router.get("/sites/{site}", operation_id="get_site", summary="厂区 / Site")
async def get_site(site: SiteInPath, principal: Who, database: Store) -> SiteAnswer:
    """Return a site and how far its readings reach.

    返回厂区及数据完整到何时。
    """
    answer = await sites.read_site(database, tenant_id=principal.tenant_id, site=site)
    return SiteAnswer.model_validate(
        {
            **about(answer.state),
            "site": answer.listing,
            "base_interval_us": answer.state.site.base_interval_us,
            "day_start_us": answer.state.site.day_start_us,
        }
    )


@router.get(
    "/sites/{site}/plant/versions",
    operation_id="list_plant_versions",
    summary="描述版本 / Versions",
)
async def list_versions(site: SiteInPath, principal: Who, database: Store) -> list[PlantVersion]:
    """Return every description ever applied, newest first.

    返回历次应用的描述，新的在前。
    """
    rows = await sites.list_versions(database, tenant_id=principal.tenant_id, site=site)
    return [PlantVersion.model_validate(row) for row in rows]


@router.get("/sites/{site}/plant", operation_id="get_plant", summary="厂区描述 / Description")
async def get_plant(
    site: SiteInPath,
    principal: Who,
    database: Store,
    response: Response,
    version: Annotated[int | None, Query(ge=1, lt=2**31)] = None,
) -> PlantDocument:
    """Return a description, the newest unless a version is named; its ETag goes into If-Match.

    返回描述；未指定版本时为最新。
    """
    answer = await sites.read_document(
        database, tenant_id=principal.tenant_id, site=site, version=version
    )
    response.headers["ETag"] = f'"{answer.document.sha256}"'
    return PlantDocument.model_validate(answer.document)


@router.get("/plant/schema", operation_id="get_plant_schema", summary="描述格式 / Schema")
async def get_schema() -> dict[str, Any]:
    """Return the JSON Schema of a plant description.

    返回描述文件的 JSON Schema。
    """
    return plant_schema()


@router.post(
    "/plant/check",
    operation_id="check_plant",
    summary="检查描述 / Check a description",
    openapi_extra=_BODY,
)
async def check_plant(request: Request) -> CheckResult:
    """Return everything that is wrong with a description; nothing is stored.

    检查描述并列出全部问题，不保存。
    """
    findings = await sites.check(await request.body())
    return CheckResult.model_validate(
        {
            "fit": not any(finding.severity == "error" for finding in findings),
            "findings": [finding_document(finding) for finding in findings],
        }
    )


@write_router.put(
    "/sites/{site}/plant",
    operation_id="apply_plant",
    summary="应用描述 / Apply a description",
    openapi_extra=_BODY,
)
async def apply_plant(
    site: SiteInPath,
    request: Request,
    principal: Who,
    database: Store,
    if_match: Annotated[
        str | None,
        Header(alias="If-Match", max_length=100, description="所依据版本的 ETag / ETag it is from"),
    ] = None,
) -> AppliedPlant:
    """Make a description the newest of its site, and have its time computed again.

    应用描述为最新版本，并重算其有效期内的结果。
    """
    applied = await sites.apply(
        database,
        tenant_id=principal.tenant_id,
        actor=principal.actor,
        site=site,
        content=await request.body(),
        if_sha256=None if if_match is None else if_match.strip('"'),
    )
    return AppliedPlant(version=applied.version, changed=applied.changed)
