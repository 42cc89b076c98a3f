"""`nengtan recompute`: every result of a site anew from its raw readings, by the worker that runs.

What is to be done lies in the database, newest first; the worker takes slice after slice beside
what arrives meanwhile. Whoever watches may leave and come back, and so may the worker.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import rich.progress
from rich.console import Console

from compute.errors import NengtanError
from deploy import admin
from services.store import dirty_marks, ledger, results, topology
from services.store.pool import Connection, Database

_POLL_S = 0.5
# Without any progress for so long, somebody should look whether a worker runs.
_IDLE_S = 15.0
# The newest results change by themselves while readings come in.
_SETTLED = timedelta(hours=2)


class NothingToRecompute(NengtanError):
    """No such site, or no readings of it in the period."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of a site is done, and whether nobody seems to be at work."""

    site: str
    share: float
    is_idle: bool = False


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild came to.

    Attributes
    ----------
    site : str
    start, end : datetime
        What was computed again, half-open.
    row_count : int
        Results that lie there now, without the newest, which change by themselves.
    is_same : bool
        Whether every bit of them is as it was before.
    """

    site: str
    start: datetime
    end: datetime
    row_count: int
    is_same: bool


@dataclass(frozen=True, slots=True)
class _Task:
    site_id: int
    site: str
    start: datetime
    end: datetime
    settled: datetime
    before: tuple[int, str]


async def rebuild(
    database: Database,
    *,
    tenant: str,
    site: str | None,
    first: date | None,
    last: date | None,
    report: Callable[[Progress], None],
) -> list[Rebuilt]:
    """Have the results of a tenant's sites computed again, and wait until they are.

    Parameters
    ----------
    database : Database
        As nengtan_admin.
    tenant : str
    site : str or None
        None: every site.
    first, last : date or None
        Days of the site, both included; None: from its first, or to its last reading.
    report : callable
        Told of progress.

    Raises
    ------
    NothingToRecompute
        If there is no such site, or it has no readings in the period.
    """
    principal = await admin.principal_of(database, tenant)
    async with database.transaction(principal.tenant_id) as connection:
        found = [
            each
            for code, each in await topology.all_sites(connection)
            if code == tenant and site in {None, each.code}
        ]
        spans = [await _span(connection, each, first, last) for each in found]
        tasks = [
            await _begin(connection, each, span)
            for each, span in zip(found, spans, strict=True)
            if span is not None
        ]
    if not tasks:
        raise NothingToRecompute(
            f"{tenant}/{site or '*'} has no readings in the period: see the codes of sites and the "
            "days with `nengtan plant show` and on the page"
        )
    return [await _finish(database, principal.tenant_id, task, report) for task in tasks]


async def _span(
    connection: Connection, site: topology.Site, first: date | None, last: date | None
) -> tuple[datetime, datetime] | None:
    """Return what of a site is asked for and has readings."""
    known = await topology.reading_span(connection, site.id)
    if known is None:
        return None
    start, end = known[0], known[1] + timedelta(microseconds=1)
    zone = ZoneInfo(site.time_zone)
    if first is not None:
        start = max(start, datetime.combine(first, time(), zone))
    if last is not None:
        end = min(end, datetime.combine(last + timedelta(days=1), time(), zone))
    return (start, end) if start < end else None


async def _begin(
    connection: Connection, site: topology.Site, span: tuple[datetime, datetime]
) -> _Task:
    start, end = span
    settled = max(start, end - _SETTLED)
    before = await results.results_digest(connection, site_id=site.id, start=start, end=settled)
    await ledger.mark_site_dirty(connection, site_id=site.id, start=start, end=end)
    return _Task(site.id, site.code, start, end, settled, before)


async def _finish(
    database: Database, tenant_id: int, task: _Task, report: Callable[[Progress], None]
) -> Rebuilt:
    loop = asyncio.get_running_loop()
    remaining, since = task.end - task.start, loop.time()
    while remaining:
        async with database.transaction(tenant_id) as connection:
            marks = await dirty_marks.site_marks(connection, task.site_id)
        left = sum(
            (
                max(min(mark.end, task.end) - max(mark.start, task.start), timedelta())
                for mark in marks
            ),
            timedelta(),
        )
        if left != remaining:
            remaining, since = left, loop.time()
        share = 1 - min(remaining / (task.end - task.start), 1)
        report(Progress(task.site, share, is_idle=loop.time() - since > _IDLE_S))
        if remaining:
            await asyncio.sleep(_POLL_S)
    async with database.transaction(tenant_id) as connection:
        after = await results.results_digest(
            connection, site_id=task.site_id, start=task.start, end=task.settled
        )
    return Rebuilt(task.site, task.start, task.end, after[0], is_same=after == task.before)


def watch(
    url: str,
    console: Console,
    tenant: str,
    site: str | None,
    first: date | None,
    last: date | None,
) -> str:
    """Rebuild with a bar that moves, and return what it came to, a line a site."""
    columns = (
        rich.progress.TextColumn("{task.description}"),
        rich.progress.BarColumn(bar_width=24),
        rich.progress.TaskProgressColumn(),
        rich.progress.TimeRemainingColumn(),
    )

    async def work() -> list[Rebuilt]:
        with rich.progress.Progress(*columns, console=console) as bar:
            tasks: dict[str, rich.progress.TaskID] = {}

            def report(progress: Progress) -> None:
                name = f"{tenant}/{progress.site}"
                if progress.site not in tasks:
                    tasks[progress.site] = bar.add_task(name, total=1.0)
                waiting = " 等待 worker: is one running?" if progress.is_idle else ""
                bar.update(
                    tasks[progress.site], completed=progress.share, description=name + waiting
                )

            async with admin.admin_database(url) as database:
                return await rebuild(
                    database, tenant=tenant, site=site, first=first, last=last, report=report
                )

    return "\n".join(_said(tenant, done) for done in asyncio.run(work()))


def _said(tenant: str, done: Rebuilt) -> str:
    verdict = "逐位相同 the same bits" if done.is_same else "有变化 not the same as before"
    return (
        f"{tenant}/{done.site}: {done.start.isoformat()} – {done.end.isoformat()}: "
        f"{done.row_count:,} 个结果 results, {verdict}"
    )
