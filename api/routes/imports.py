"""Files of readings and bills: sent, previewed, taken, taken back (T3 手工填报)."""

import tempfile
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi import Path as InPath
from pydantic import Field

from api.dependencies import (
    Code,
    Cursor,
    Now,
    Schema,
    SiteCode,
    Store,
    Text,
    next_link,
    read_cursor,
    write_cursor,
)
from api.errors import Detail, Problem
from api.files import received, sent
from api.security import Who, needs
from services import imports
from services.files.write import Batch, Column, write_file
from services.store.imports import ImportRow, Kind, Policy, State

router = APIRouter(tags=["导入 imports"], dependencies=[Depends(needs("read"))])
write_router = APIRouter(tags=["导入 imports"], dependencies=[Depends(needs("import.write"))])

_NEWEST = 2**62
_PREVIEW_S = 20.0
_MAP_CHARACTERS_MAX = 8_000
ImportInPath = Annotated[int, InPath(ge=1, lt=2**62)]


class Import(Schema):
    """An import, and what is known of its file."""

    id: int
    site: str
    kind: Kind = Field(description="readings 读数 | bills 账单")
    state: State = Field(
        description="uploaded 已上传 | checked 已预览 | requested 待接收 | done 已接收"
        " | refused 已拒绝 | cancelled 已放弃 | undo_requested 待撤销 | withdrawn 已撤销"
    )
    policy: Policy | None
    file_name: str
    size_bytes: int
    sha256: str
    options: dict[str, Any] = Field(description="列映射与工作表 / Map of the columns, and sheet")
    report: dict[str, Any] | None = Field(
        description="预览或接收的结果：计数、前 1000 个错误及行号、假定 / What was found: counts,"
        " the first 1,000 errors with their lines, what was assumed"
    )
    stored: int
    duplicate: int
    conflict: int
    quarantined: int
    quarantine_ids: list[int]
    uploaded_at: datetime
    uploaded_by: str
    requested_at: datetime | None
    requested_by: str | None
    finished_at: datetime | None
    withdrawn_by: str | None
    withdrawn_reason: str | None
    withdrawn_at: datetime | None
    withdrawn_count: int | None
    share: float | None = Field(description="进度 0 至 1 / Progress, 0 to 1")


class Imports(Schema):
    """A page of imports, newest first."""

    imports: list[Import]
    next_cursor: str | None


class Taking(Schema):
    """Which file is taken, and what is done where rows cannot be."""

    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    policy: Policy = Field(
        "all_or_nothing",
        description="all_or_nothing 全部或不接收 / all or nothing | skip_bad 有误者隔离 / the bad"
        " wait in quarantine",
    )


class Undoing(Schema):
    """Why an import is taken back."""

    reason: Text


def _import(row: ImportRow) -> Import:
    return Import.model_validate(row)


def _map_of(text: str | None) -> Any:  # noqa: ANN401 - JSON that the service checks
    if text is None:
        return None
    try:
        return msgspec.json.decode(text.encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError) as error:
        raise Problem(
            "invalid",
            Detail("map is not JSON: see the documentation", "map 不是 JSON", pointer="map"),
        ) from error


@router.get("/imports", operation_id="list_imports", summary="导入记录 / Imports")
async def list_imports(
    request: Request,
    response: Response,
    principal: Who,
    database: Store,
    site: SiteCode,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Cursor = None,
) -> Imports:
    """Return the imports of a site, newest first.

    返回厂区的导入记录，最新在前。
    """
    place = read_cursor(cursor, int)
    rows = await imports.list_imports(
        database,
        tenant_id=principal.tenant_id,
        site=site,
        before_id=_NEWEST if place is None else int(place[0]),
        limit=limit + 1,
    )
    following = write_cursor(rows[limit - 1].id) if len(rows) > limit else None
    if following is not None:
        response.headers["Link"] = next_link(request, following)
    return Imports(imports=[_import(row) for row in rows[:limit]], next_cursor=following)


@router.get(
    "/imports/template",
    operation_id="get_import_template",
    summary="导入模板 / Template",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def template(
    principal: Who,
    database: Store,
    site: SiteCode,
    meter: Annotated[Code | None, Query(description="仅此表计 / Of this meter alone")] = None,
    form: Annotated[Literal["csv", "xlsx"], Query(alias="format")] = "xlsx",
) -> Response:
    """Return an empty table that needs no map: a column of times, and one for each point.

    返回空白模板：时间列及每个测点一列，无需映射。
    """
    found = await imports.template(database, tenant_id=principal.tenant_id, site=site, meter=meter)

    async def nothing() -> AsyncIterator[Batch]:
        no_rows: tuple[Batch, ...] = ()
        for batch in no_rows:
            yield batch

    folder = tempfile.TemporaryDirectory(prefix="nengtan-template-")
    path = Path(folder.name) / "template"
    columns = [Column(head) for head in found.heads]
    await write_file(path, columns, nothing(), form=form, about=_HOW_TO)
    return sent(path, folder, name=f"{site}-{meter or 'readings'}", form=form)


_HOW_TO = (
    ("时间", "年在前，如 2026-03-01 08:00；24:00 为当日末；时区见表头"),
    ("time", "The year first, as in 2026-03-01 08:00; 24:00 ends its day; the zone is in the head"),
    ("数值", "空白为缺失，不是 0；无千位分隔符；单位见表头，可改为同类单位"),
    ("values", "Blank is missing, not 0; no thousands; the unit is in the head and may be another"),
)


@router.get("/imports/{import_id}", operation_id="get_import", summary="单个导入 / One import")
async def one_import(import_id: ImportInPath, principal: Who, database: Store) -> Import:
    """Return an import with its preview, or with what became of it.

    返回导入的预览或结果。
    """
    return _import(
        await imports.find_import(database, tenant_id=principal.tenant_id, import_id=import_id)
    )


@write_router.post(
    "/imports",
    operation_id="upload_import",
    summary="上传并预览 / Upload and preview",
    status_code=201,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string"}}},
            "description": "CSV（可 gzip）或 .xlsx，至多 200 MB / CSV, gzipped or not, or .xlsx",
        }
    },
)
async def upload(
    request: Request,
    principal: Who,
    database: Store,
    now: Now,
    site: SiteCode,
    name: Annotated[
        str, Query(min_length=1, max_length=5_000, description="文件名 / Name of the file")
    ],
    kind: Annotated[
        Kind, Query(alias="records", description="readings 读数 | bills 账单")
    ] = "readings",
    sheet: Annotated[Text | None, Query(description="工作表 / Sheet of a workbook")] = None,
    columns: Annotated[
        str | None,
        Query(
            alias="map",
            max_length=_MAP_CHARACTERS_MAX,
            description="列映射 JSON；省略则按模板 / Map of the columns as JSON; else the template",
        ),
    ] = None,
) -> Import:
    """Keep a file and return its preview; nothing of it is taken yet.

    上传文件并返回预览；此时不接收任何读数。
    """
    file_map = _map_of(columns)
    async with received(request) as path:
        row = await imports.upload(
            database,
            tenant_id=principal.tenant_id,
            tenant_code=principal.tenant_code,
            actor=principal.actor,
            site=site,
            kind=kind,
            file_name=name,
            options={"map": file_map, "sheet": sheet},
            path=path,
            at=now,
        )
    return _import(
        await imports.wait_for(
            database, tenant_id=principal.tenant_id, import_id=row.id, seconds=_PREVIEW_S
        )
    )


@write_router.post(
    "/imports/{import_id}/take", operation_id="take_import", summary="确认接收 / Take"
)
async def take(
    import_id: ImportInPath, taking: Taking, principal: Who, database: Store, now: Now
) -> Import:
    """Have a previewed file taken, whole; ingest does it within seconds.

    确认接收已预览的文件；接收进程随即执行，全部生效或全部不生效。
    """
    return _import(
        await imports.take(
            database,
            tenant_id=principal.tenant_id,
            actor=principal.actor,
            import_id=import_id,
            sha256_hex=taking.sha256,
            policy=taking.policy,
            at=now,
        )
    )


@write_router.post(
    "/imports/{import_id}/cancel", operation_id="cancel_import", summary="放弃 / Leave"
)
async def cancel(import_id: ImportInPath, principal: Who, database: Store, now: Now) -> Import:
    """Leave a file that was not taken.

    放弃未接收的文件。
    """
    return _import(
        await imports.cancel(
            database,
            tenant_id=principal.tenant_id,
            actor=principal.actor,
            import_id=import_id,
            at=now,
        )
    )


@write_router.post(
    "/imports/{import_id}/undo", operation_id="undo_import", summary="撤销 / Take back"
)
async def undo(
    import_id: ImportInPath, undoing: Undoing, principal: Who, database: Store, now: Now
) -> Import:
    """Withdraw what an import stored; what others sent too stays. The raw rows stay as a record.

    撤销导入所存的读数；他方也发送过的保留，原始记录不删除。
    """
    return _import(
        await imports.undo(
            database,
            tenant_id=principal.tenant_id,
            actor=principal.actor,
            import_id=import_id,
            reason=undoing.reason,
            at=now,
        )
    )
