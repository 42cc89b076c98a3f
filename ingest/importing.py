"""Files of readings: looked at, taken and taken back, by the same steps as messages.

An import is one transaction: all of it is there, or nothing. Its readings are checked, told from
those that stand and marked dirty as those of a message are; its source is a gateway of the site of
its own, so that received = stored + duplicate + conflict + quarantined holds there too.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import structlog

from compute.periods import from_us
from ingest.commit import quarantine_items
from ingest.fates import Judged, judge, mark_dirty, note_imported, store
from ingest.import_report import (
    REJECTED_MAX,
    Found,
    Sheet,
    read_sheet,
    rejected_messages,
    report_of,
)
from ingest.ledger import first_readings
from ingest.reading import Decoded, Delivery, Rejection
from ingest.registry import Gateway, Registry, load_registry
from ingest.validate import Batch, Message, check
from services import clock
from services.files.bills import BilledPoint
from services.files.fault import FileRefused, FileTooLarge
from services.store import imports, ledger, readings
from services.store.imports import Fates, WaitingImport
from services.store.pool import Connection, Database, DatabaseUnavailable, NotStorable

_log = structlog.get_logger()
# Readings that are stored in one statement: bounds memory here and in the database.
SLICE_READINGS = 50_000
_PROGRESS_S = 0.5
_ACTOR = "ingest"


async def import_due(database: Database) -> bool:
    """Do what waits longest of what people asked of files; return whether anything waited."""
    waiting: WaitingImport | None = None
    try:
        async with database.transaction() as connection:
            waiting = await imports.next_import(connection)
            if waiting is None:
                return False
            if waiting.state == "undo_requested":
                await _take_back(connection, waiting)
                return True
            registry = await load_registry(database)
            async with _shown(database, waiting) as progress:
                await _look_or_take(connection, waiting, registry, progress)
    except NotStorable as error:
        if waiting is None:
            raise
        # Nothing of it was kept; without this note it would be tried for ever.
        report = _refusal("not_storable", str(error), f"数据库拒绝：{error}")
        async with database.transaction() as connection:
            await imports.finish(
                connection, waiting.id, state="refused", report=report, at=clock.now()
            )
    return True


def _refusal(code: str, en: str, zh: str) -> dict[str, Any]:
    return {"refused": {"code": code, "en": en, "zh": zh}}


@dataclass(slots=True)
class _Progress:
    share: float = 0.0


@asynccontextmanager
async def _shown(database: Database, waiting: WaitingImport) -> AsyncIterator[_Progress]:
    """Tell twice a second how far an import is, by a connection of its own."""
    progress = _Progress()

    async def show() -> None:
        told = -1.0
        while True:
            if progress.share != told:
                told = progress.share
                try:
                    async with database.transaction() as connection:
                        await imports.show_progress(
                            connection,
                            import_id=waiting.id,
                            tenant_id=waiting.tenant_id,
                            share=told,
                            at=clock.now(),
                        )
                except DatabaseUnavailable as error:
                    # Nobody sees how far it is: no reason to stop the import itself.
                    _log.warning("ingest.import.progress_untold", reason=str(error))
            await asyncio.sleep(_PROGRESS_S)

    showing = asyncio.create_task(show())
    try:
        yield progress
    finally:
        showing.cancel()
        # Not awaited itself: a cancellation of this task would be taken for its own, and lost.
        await asyncio.wait([showing])
        if not showing.cancelled():
            showing.result()


async def _look_or_take(
    connection: Connection, waiting: WaitingImport, registry: Registry, progress: _Progress
) -> None:
    received_us = clock.now_us()
    takes = waiting.state == "requested"
    report: dict[str, Any]
    try:
        with tempfile.TemporaryDirectory(prefix="nengtan-import-") as folder:
            path = Path(folder) / f"import-{waiting.id}"
            await _write_file(connection, waiting, path)
            points = await imports.site_points(connection, waiting.site_id)
            sheet = await _in_thread(path, waiting, points, progress)
        gateway = registry.by_topic[waiting.topic]
        # What cannot be stored undoes the slices before it, but not the note of it.
        async with connection.transaction():
            run = _Run(connection, waiting, sheet, registry, gateway, received_us, progress)
            found = await run.go(keeps=takes)
            report = report_of(sheet, found)
            report["same_as"] = await imports.same_imports(
                connection,
                site_id=waiting.site_id,
                sha256=waiting.sha256,
                import_id=waiting.id,
            )
            if takes:
                await run.keep_rest(found, report)
        state: imports.State = "done" if takes else "checked"
    except _NotWhole as refused:
        found, state = Found(), "refused"
        report = refused.report | _refusal(
            "bad_rows",
            "rows cannot be taken: correct them, or have them kept in quarantine (skip_bad)",
            "存在无法接收的行：请更正，或选择将其隔离（skip_bad）",
        )
    except FileRefused as refused:
        found, state = Found(), "refused"
        report = _refusal(refused.code, str(refused), refused.zh)
    fates = found.fates if state == "done" else Fates()
    await imports.finish(
        connection,
        waiting.id,
        state=state,
        report=report,
        fates=fates,
        quarantine_ids=found.quarantine_ids,
        at=from_us(received_us),
    )
    _log.info(
        "ingest.import.finished",
        import_id=waiting.id,
        state=state,
        stored=fates.stored,
        duplicate=fates.duplicate,
        conflict=fates.conflict,
        quarantined=fates.quarantined,
    )


class _NotWhole(Exception):
    """All was asked for, and not all can be taken."""

    def __init__(self, report: dict[str, Any]) -> None:
        super().__init__()
        self.report = report


async def _write_file(connection: Connection, waiting: WaitingImport, path: Path) -> None:
    with path.open("wb") as file:
        part = 0
        while content := await imports.read_part(connection, import_id=waiting.id, part=part):
            file.write(content)
            part += 1


async def _in_thread(
    path: Path, waiting: WaitingImport, points: Mapping[str, BilledPoint], progress: _Progress
) -> Sheet:
    """Read the file beside the loop; whatever a parser dies of is a fault of the file."""

    def show(share: float) -> None:
        progress.share = share / 2

    def read() -> Sheet:
        try:
            return read_sheet(path, waiting, points=points, show=show)
        except FileRefused:
            raise
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a panic of a native parser is no Exception
            _log.exception("ingest.import.unreadable", import_id=waiting.id)
            kind = type(error).__name__
            raise FileRefused(
                f"the file cannot be read ({kind}): save it anew, or send CSV",
                f"文件无法读取（{kind}）：请重新保存，或改用 CSV",
            ) from error

    return await asyncio.to_thread(read)


@dataclass(slots=True)
class _Run:
    """One pass over a file that was read: slice after slice, in the order of time."""

    connection: Connection
    waiting: WaitingImport
    sheet: Sheet
    registry: Registry
    gateway: Gateway
    received_us: int
    progress: _Progress

    async def go(self, *, keeps: bool) -> Found:
        """Tell what becomes of every reading; with `keeps`, make it so."""
        found = Found(bad_count=len(self.sheet.bad))
        rows = self._rows(found)
        places = np.flatnonzero(rows >= 0)
        places = places[np.argsort(self.sheet.ts_us[places], kind="stable")]
        for part in self._slices(places):
            batch = self._batch(rows, part, found)
            firsts = first_readings(batch, self.registry)
            if keeps:
                judged = await store(
                    self.connection, batch, self.registry, firsts, self.received_us, merge=True
                )
                await note_imported(
                    self.connection,
                    batch,
                    firsts,
                    judged,
                    import_id=self.waiting.id,
                    tenant_id=self.waiting.tenant_id,
                    line=self.sheet.line,
                )
                await mark_dirty(self.connection, batch, self.registry, firsts, judged.stored)
            else:
                known = await readings.find_readings(self.connection, firsts.columns)
                judged = judge(batch, firsts, known)
            await readings.clear_stage(self.connection)
            self._count(found, batch, judged)
            self.progress.share = 0.5 + 0.5 * (found.reading_count / max(len(places), 1))
        return found

    def _rows(self, found: Found) -> npt.NDArray[np.int32]:
        """Return the row of the registry of each reading, -1 where its name is no point."""
        row_of = self.gateway.row_of
        by_name = np.array([row_of.get(name, -1) for name in self.sheet.names], dtype=np.int32)
        rows = by_name[self.sheet.name_index] if len(by_name) else np.empty(0, np.int32)
        for place in np.flatnonzero(rows < 0).tolist():
            name = self.sheet.names[self.sheet.name_index[place]]
            found.rejected[place] = Rejection(
                place,
                "unknown_point",
                f"{name!r} is no point of this site: correct the name, or add the point to the"
                " plant description and try again",
            )
            self._limit(found)
        return rows

    def _limit(self, found: Found) -> None:
        if len(found.rejected) + len(self.sheet.bad) > REJECTED_MAX:
            raise FileTooLarge(
                f"more than {REJECTED_MAX} readings cannot be taken: correct the file or its map",
                f"超过 {REJECTED_MAX} 个读数无法接收：请更正文件或映射",
            )

    def _slices(self, places: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.int64]]:
        """Yield places in order of time; readings of one instant are never parted."""
        start = 0
        while start < len(places):
            end = min(start + SLICE_READINGS, len(places))
            last = self.sheet.ts_us[places[end - 1]]
            end = int(np.searchsorted(self.sheet.ts_us[places], last, side="right"))
            yield places[start:end]
            start = end

    def _batch(
        self, rows: npt.NDArray[np.int32], part: npt.NDArray[np.int64], found: Found
    ) -> Batch:
        sheet = self.sheet
        delivery = Delivery(self.waiting.topic, b"", token=0, qos=1, retained=False)
        message = Message(delivery, self.gateway, Decoded())
        batch = check(
            Batch(
                [message],
                np.zeros(len(part), dtype=np.int32),
                rows[part],
                part.astype(np.int32),
                sheet.ts_us[part],
                sheet.value[part],
                sheet.quality[part],
            ),
            self.registry,
            now_us=self.received_us,
        )
        for fault in message.rejected:
            found.rejected[fault.item] = fault
        found.due_at |= message.due_at
        self._limit(found)
        return batch

    def _count(self, found: Found, batch: Batch, judged: Judged) -> None:
        found.reading_count += len(batch)
        found.fates = Fates(
            found.fates.stored + len(judged.stored),
            found.fates.duplicate + len(judged.duplicate),
            found.fates.conflict + len(judged.conflict),
        )

    async def keep_rest(self, found: Found, report: dict[str, Any]) -> None:
        """Put what cannot be taken into quarantine, and count everything.

        Raises
        ------
        _NotWhole
            If all or nothing was asked for, and not all can be taken.
        """
        if self.waiting.policy == "all_or_nothing" and found.rejected_count:
            raise _NotWhole(report)
        at = from_us(self.received_us)
        for message in rejected_messages(self.sheet, found, self.waiting, self.gateway):
            found.quarantine_ids.append(
                await ledger.quarantine(
                    self.connection,
                    tenant_id=self.waiting.tenant_id,
                    gateway_id=self.gateway.id,
                    topic=self.waiting.topic,
                    payload=message.delivery.payload,
                    items=quarantine_items(message, message.rejected),
                    received_at=at,
                )
            )
        found.fates = Fates(
            found.fates.stored,
            found.fates.duplicate,
            found.fates.conflict,
            len(found.rejected) + len(self.sheet.bad),
        )
        count = ledger.HourCount(
            self.gateway.id,
            found.fates.stored,
            found.fates.duplicate,
            found.fates.conflict,
            found.fates.quarantined,
        )
        await ledger.add_counts(self.connection, [count], received_at=at)
        await ledger.ring_dirty(self.connection)


async def _take_back(connection: Connection, waiting: WaitingImport) -> None:
    """Withdraw what nobody but this import has sent, and have it computed again."""
    at = clock.now()
    gone = await imports.withdraw(connection, waiting.id, at=at)
    if gone:
        await ledger.mark_dirty(
            connection,
            site_ids=np.full(len(gone), waiting.site_id, dtype=np.int32),
            point_ids=np.array([row.point_id for row in gone], dtype=np.int32),
            first_us=np.array([row.first_us for row in gone], dtype=np.int64),
            last_us=np.array([row.last_us for row in gone], dtype=np.int64),
        )
    await imports.discard_items(connection, waiting.quarantine_ids, at=at, actor=_ACTOR)
    await imports.finish(connection, waiting.id, state="withdrawn", report=None, at=at)
    _log.info(
        "ingest.import.withdrawn",
        import_id=waiting.id,
        readings=sum(row.reading_count for row in gone),
    )
