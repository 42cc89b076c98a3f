"""Readings, results and alerts as files: CSV, Excel, Parquet."""

import asyncio
import tempfile
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Response

from api.dependencies import Code, End, SiteCode, Start, Store
from api.files import sent
from api.routes.energy_query import GRAINS, Interval
from api.schema import headers_about
from api.security import Who, needs
from services import exports
from services.alert_stories import Severity
from services.energy_query import SeriesKind
from services.files.write import MEDIA_TYPES, Format, write_file
from services.json_values import iso_utc

router = APIRouter(tags=["导出 exports"], dependencies=[Depends(needs("read"))])

# Each holds a connection until its file is written.
_AT_ONCE: Final = asyncio.Semaphore(2)
FILES = {200: {"content": {kind: {"schema": {"type": "string"}} for kind in MEDIA_TYPES.values()}}}
FileFormat = Annotated[Format, Query(alias="format", description="csv | xlsx | parquet")]


async def answer_file(
    opened: AbstractAsyncContextManager[exports.Table], *, name: str, form: Format
) -> Response:
    """Write a table to a file in one snapshot, then send it."""
    folder = tempfile.TemporaryDirectory(prefix="nengtan-export-")
    path = Path(folder.name) / "table"
    try:
        async with _AT_ONCE, opened as table:
            count = await write_file(
                path, table.columns, table.batches, form=form, about=table.about
            )
            about = {"Nengtan-As-Of": iso_utc(table.as_of)}
            if table.state is not None:
                about = headers_about(table.state)
    except BaseException:
        folder.cleanup()
        raise
    response = sent(path, folder, name=name, form=form)
    response.headers.update({**about, "Nengtan-Rows": str(count)})
    return response


@router.get(
    "/exports/readings",
    operation_id="export_readings",
    summary="导出读数 / Readings as a file",
    response_class=Response,
    responses=FILES,  # type: ignore[arg-type] # a response by status
)
async def export_readings(
    principal: Who,
    database: Store,
    site: SiteCode,
    start: Start,
    end: End,
    form: FileFormat = "csv",
    point: Annotated[Code | None, Query(description="仅此测点 / Of this point alone")] = None,
    meter: Annotated[Code | None, Query(description="仅此表计 / Of this meter alone")] = None,
) -> Response:
    """Return the readings of a period, each with unit, quality and revision.

    导出时段内的读数，逐行带单位、质量与版本。
    """
    opened = exports.readings(
        database,
        tenant_id=principal.tenant_id,
        site=site,
        point=point,
        meter=meter,
        start=start,
        end=end,
    )
    return await answer_file(opened, name=f"{site}-readings", form=form)


@router.get(
    "/exports/results",
    operation_id="export_results",
    summary="导出结果 / Results as a file",
    response_class=Response,
    responses=FILES,  # type: ignore[arg-type] # same
)
async def export_results(
    principal: Who,
    database: Store,
    site: SiteCode,
    start: Start,
    end: End,
    interval: Interval = "hour",
    form: FileFormat = "csv",
    kind: Annotated[SeriesKind | None, Query(description="仅此类 / Series of this kind")] = None,
    code: Annotated[Code | None, Query(description="仅此编码 / Series of this code")] = None,
) -> Response:
    """Return the results of a period, each with units, quality, inputs and code version.

    导出时段内的结果，逐行带单位、质量、输入摘要与代码版本。
    """
    opened = exports.results(
        database,
        tenant_id=principal.tenant_id,
        site=site,
        kind=kind,
        code=code,
        grain=GRAINS[interval],
        start=start,
        end=end,
    )
    return await answer_file(opened, name=f"{site}-{interval}", form=form)


@router.get(
    "/exports/alerts",
    operation_id="export_alerts",
    summary="导出告警 / Alerts as a file",
    response_class=Response,
    responses=FILES,  # type: ignore[arg-type] # same
)
async def export_alerts(
    principal: Who,
    database: Store,
    start: Start,
    end: End,
    site: Annotated[Code | None, Query(description="仅此厂区 / Of this site alone")] = None,
    severity: Annotated[
        Severity | None, Query(description="仅此级别 / Of this severity alone")
    ] = None,
    form: FileFormat = "csv",
) -> Response:
    """Return the alerts that fire somewhere in a period, newest first, as the history has them.

    导出时段内触发过的告警，新的在前，内容与历史告警一致。
    """
    opened = exports.alerts(
        database,
        tenant_id=principal.tenant_id,
        start=start,
        end=end,
        site=site,
        severity=severity,
    )
    return await answer_file(opened, name="alerts", form=form)
