"""`nengtan import` and `nengtan export`: files in and out from the command line.

What is imported goes the way of an upload: it is kept in the database, and ingest looks at it and
takes it. So an ingest must run.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer
from rich.console import Console

from compute.errors import NengtanError
from compute.periods import Grain
from deploy import admin
from services import clock, exports, imports
from services.accounts import Principal
from services.files.file_map import load_map
from services.files.write import Format, write_file
from services.settings import Settings
from services.store.imports import ImportRow, Kind, State
from services.store.pool import Database

_LINES_SHOWN = 20
_STEP_S = 1.0
_PATIENCE_S = 15.0  # without any sign of an ingest
_READ = (("rows", "行 rows"), ("readings", "读数 readings"), ("missing", "缺失 missing"))
_FATES = (
    ("new", "新 new"),
    ("duplicate", "重复 duplicate"),
    ("conflict", "冲突 conflict"),
    ("rejected", "无法接收 rejected"),
)
_console = Console(stderr=True)

TenantOption: TypeAlias = Annotated[str, typer.Option(help="Code of the tenant. 租户编码。")]
SiteOption: TypeAlias = Annotated[str, typer.Option(help="Code of the site. 厂区编码。")]
GRAINS = {"base": Grain.BASE, "hour": Grain.HOUR, "day": Grain.DAY, "month": Grain.MONTH}


class ImportRefused(NengtanError):
    """A file, or rows of it, cannot be taken."""


class IngestSilent(NengtanError):
    """Nothing looks at files: ingest does not run."""


class PeriodUnclear(NengtanError):
    """An instant without a zone."""


def import_file(
    file: Annotated[Path, typer.Argument(help="CSV, gzipped or not, or .xlsx.")],
    tenant: TenantOption,
    site: SiteOption,
    map_file: Annotated[
        Path | None,
        typer.Option("--map", help="What the columns are (YAML); else as in the template."),
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="Of a workbook. 工作表。")] = None,
    kind: Annotated[str, typer.Option(help="readings or bills.")] = "readings",
    *,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Keep rows that cannot be taken in quarantine.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Take it without asking.")] = False,
) -> None:
    """Show what a file would bring, and take it (预览并导入文件)."""
    options: dict[str, Any] = {"sheet": sheet}
    if map_file is not None:
        options["map"] = load_map(map_file).model_dump(mode="json", exclude_defaults=True)
    wanted: Kind = "bills" if kind == "bills" else "readings"
    if kind not in {"readings", "bills"}:
        raise ImportRefused(f"--kind {kind!r}: write readings or bills")

    async def work(database: Database, who: Principal) -> None:
        row = await imports.upload(
            database,
            tenant_id=who.tenant_id,
            tenant_code=who.tenant_code,
            actor=who.actor,
            site=site,
            kind=wanted,
            file_name=file.name,
            options=options,
            path=file,
            at=clock.now(),
        )
        row = await _finished(database, who, row)
        print(render(row))
        _refuse_unread(row)
        if not yes and not (sys.stdin.isatty() and typer.confirm("导入 take it?")):
            await imports.cancel(
                database,
                tenant_id=who.tenant_id,
                actor=who.actor,
                import_id=row.id,
                at=clock.now(),
            )
            print("未导入；加 --yes 直接导入 not taken; add --yes to take it")
            return
        row = await imports.take(
            database,
            tenant_id=who.tenant_id,
            actor=who.actor,
            import_id=row.id,
            sha256_hex=row.sha256,
            policy="skip_bad" if skip_bad else "all_or_nothing",
            at=clock.now(),
        )
        row = await _finished(database, who, row)
        _refuse_unread(row)
        print(render(row))

    _run(tenant, work)


def undo_import(
    number: Annotated[int, typer.Argument(help="As `nengtan import` printed it.")],
    tenant: TenantOption,
    reason: Annotated[str, typer.Option(help="For the record. 撤销原因。")],
) -> None:
    """Withdraw what an import stored and nobody else has sent (撤销导入)."""

    async def work(database: Database, who: Principal) -> None:
        row = await imports.undo(
            database,
            tenant_id=who.tenant_id,
            actor=who.actor,
            import_id=number,
            reason=reason,
            at=clock.now(),
        )
        row = await _finished(database, who, row)
        print(f"导入 import {row.id}: 已撤销读数 readings withdrawn: {row.withdrawn_count:,}")

    _run(tenant, work)


def export_table(
    table: Annotated[str, typer.Argument(help="readings or results.")],
    output: Annotated[Path, typer.Argument(help="Ends in .csv, .xlsx or .parquet.")],
    tenant: TenantOption,
    site: SiteOption,
    start: Annotated[str, typer.Option(help="ISO 8601 with offset, inclusive.")],
    end: Annotated[str, typer.Option(help="ISO 8601 with offset, exclusive.")],
    interval: Annotated[str, typer.Option(help="base, hour, day or month.")] = "hour",
    point: Annotated[str | None, typer.Option(help="Readings of this point alone.")] = None,
) -> None:
    """Write readings or results to a file (导出读数或结果)."""
    forms: dict[str, Format] = {".csv": "csv", ".xlsx": "xlsx", ".parquet": "parquet"}
    form = forms.get(output.suffix.lower())
    if form is None:
        raise ImportRefused(f"{output}: end the name in .csv, .xlsx or .parquet")
    if interval not in GRAINS:
        raise ImportRefused(f"--interval {interval!r}: write {', '.join(GRAINS)}")
    first, last = _instant(start), _instant(end)
    if table not in {"readings", "results"}:
        raise ImportRefused(f"{table!r}: write readings or results")

    async def work(database: Database, who: Principal) -> None:
        opened: AbstractAsyncContextManager[exports.Table]
        if table == "readings":
            opened = exports.readings(
                database,
                tenant_id=who.tenant_id,
                site=site,
                point=point,
                meter=None,
                start=first,
                end=last,
            )
        else:
            opened = exports.results(
                database,
                tenant_id=who.tenant_id,
                site=site,
                kind=None,
                code=None,
                grain=GRAINS[interval],
                start=first,
                end=last,
            )
        async with opened as found:
            count = await write_file(
                output, found.columns, found.batches, form=form, about=found.about
            )
        print(f"{output}: {count:,} 行 rows")

    _run(tenant, work)


def _run(tenant: str, work: Callable[[Database, Principal], Awaitable[None]]) -> None:
    async def run() -> None:
        async with admin.admin_database(Settings.from_environment().database()) as database:
            await work(database, await admin.principal_of(database, tenant))

    asyncio.run(run())


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise PeriodUnclear(f"{text!r}: write ISO 8601, as 2026-03-01T00:00+08:00") from error
    if at.tzinfo is None:
        raise PeriodUnclear(f"{text!r} has no offset: write 2026-03-01T00:00+08:00")
    return at


async def _finished(database: Database, who: Principal, row: ImportRow) -> ImportRow:
    """Wait until ingest has done with an import, and show how far it is."""
    waiting: set[State] = {"uploaded", "requested", "undo_requested"}
    silent_s = 0.0
    while row.state in waiting:
        before = row.share
        row = await imports.wait_for(
            database, tenant_id=who.tenant_id, import_id=row.id, seconds=_STEP_S
        )
        if row.state in waiting:
            # It shows its progress twice a second where there is any.
            silent_s = silent_s + _STEP_S if row.share == before else 0.0
            if row.share is None and silent_s > _PATIENCE_S:
                raise IngestSilent(
                    f"import {row.id} waits, and no ingest looks at it: start `nengtan ingest`"
                    " (未见接收进程，请启动 nengtan ingest)"
                )
            _console.print(
                f"{row.file_name}: {row.share or 0.0:.0%}", highlight=False, markup=False
            )
    return row


def _refuse_unread(row: ImportRow) -> None:
    refused = (row.report or {}).get("refused")
    if row.state == "refused" and refused:
        raise ImportRefused(f"{row.file_name}: {refused['en']} ({refused['zh']})")


def render(row: ImportRow) -> str:
    """Return an import for people, 中文 and English."""
    report = row.report or {}
    lines = [f"导入 import {row.id}: {row.file_name} · {row.state}"]
    if "rows" in report:
        lines += [
            "; ".join(f"{words}: {report[name]:,}" for name, words in part)
            for part in (_READ, _FATES)
        ]
        if report["first"]:
            lines.append(f"{report['first']} … {report['last']}")
        if report["same_as"]:
            lines.append(f"与此前导入内容相同 same content as import {report['same_as'][0]}")
        if report["zone_assumed"]:
            lines.append(
                "表头未注明时区，按厂区时区 no zone in the header: that of the site is taken"
            )
        lines += [f"! {warning['zh']} {warning['en']}" for warning in report["warnings"]]
        lines += [
            f"  行 line {error['line']}, {error['column']}: {error['value']} {error['en']}"
            for error in report["errors"][:_LINES_SHOWN]
        ]
        if report["rejected"] > _LINES_SHOWN:
            lines.append(f"  … {report['rejected'] - _LINES_SHOWN:,} 更多 more")
    if row.state == "done":
        lines.append(
            f"已存 stored: {row.stored:,}; 重复 duplicate: {row.duplicate:,};"
            f" 冲突 conflict: {row.conflict:,}; 隔离 quarantined: {row.quarantined:,}"
        )
        lines.append(f"撤销 undo: nengtan import-undo {row.id} --tenant … --reason …")
    return "\n".join(lines)
