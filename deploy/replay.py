"""Replay of a CSV file: its rows become readings of an outbox, and a gateway sends them.

The file's position is kept in the outbox, in the same transaction as the messages made of it. A
replay killed at any moment therefore goes on where it was when it is started again, with nothing
in the outbox twice. A file that was replayed to its end is sent anew when asked again; the centre
counts what it knows as duplicates.
"""

import asyncio
import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from rich.console import Console

from compute.errors import NengtanError
from deploy.gateway import Gateway
from deploy.gateway_counters import GatewayCounters
from deploy.gateway_settings import GatewayAddress, GatewaySettings
from deploy.message import Reading
from deploy.outbox import Outbox
from deploy.replay_progress import Progress, ReplayProgress
from deploy.replay_report import ReplayReport
from services import clock
from services.crash import crash_point
from services.files.file_map import FileMap
from services.files.rows import RowReader, Tally

log = structlog.get_logger()

OUTBOX_FOLDER = Path(".cache/replay")
_POSITION = "replay"


class AddressMissing(NengtanError):
    """Neither the map nor the command line says where the readings belong."""


class BadCellsFound(NengtanError):
    """A strict replay met cells that are no readings; nothing was sent."""


class FileChanged(NengtanError):
    """The file was written to while it was being read."""


class CentreSilent(NengtanError):
    """No receipt came for too long; what waits is kept and goes out with the next run."""


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """Limits of a replay."""

    message_reading_count: int = 800
    batch_message_count: int = 20  # messages that share a transaction
    outbox_bytes_max: int = 200_000_000  # the reading pauses above
    outbox_message_count_max: int = 20_000
    strict: bool = False  # read the whole file first and send nothing if a cell is bad
    give_up_s: float | None = None  # without any receipt; None waits for ever
    keep_receipted_days: float = 0  # the gateway's own history, for those who want to compare


@dataclass(slots=True)
class _Position:
    """How far a replay is; stored as JSON in the outbox."""

    run: int = 1
    row_count: int = 0
    ended: bool = False  # the whole file is in the outbox
    complete: bool = False  # and all of it is receipted

    def stored(self) -> dict[str, str]:
        return {_POSITION: json.dumps([self.run, self.row_count, self.ended, self.complete])}

    @classmethod
    def of(cls, outbox: Outbox) -> "_Position":
        text = outbox.position(_POSITION)
        return cls() if text is None else cls(*json.loads(text))


def address_of(
    replay_map: FileMap,
    *,
    tenant: str | None = None,
    site: str | None = None,
    gateway: str | None = None,
) -> GatewayAddress:
    """Return the address of the map with what the command line says in place of it."""
    found = {
        "tenant": tenant or replay_map.tenant,
        "site": site or replay_map.site,
        "gateway": gateway or replay_map.gateway,
    }
    absent = [name for name, value in found.items() if not value]
    if absent:
        raise AddressMissing(
            f"no {' and no '.join(absent)}: write it into the map or give --" + " --".join(absent)
        )
    return GatewayAddress(str(found["tenant"]), str(found["site"]), str(found["gateway"]))


def check(path: Path, replay_map: FileMap) -> ReplayReport:
    """Read the whole file and send nothing: what a replay of it would find."""
    reader = RowReader(path, replay_map)
    for _ in reader.batches(100_000):
        pass
    return _report(path, Path(), _Position(run=0), 0, reader.tally)


async def replay(
    path: Path,
    replay_map: FileMap,
    settings: GatewaySettings,
    *,
    outbox_folder: Path = OUTBOX_FOLDER,
    options: ReplayOptions = ReplayOptions(),
    console: Console | None = None,
) -> ReplayReport:
    """Send a file and return when every reading of it is receipted.

    Parameters
    ----------
    path : Path
        The CSV file, gzipped or not.
    replay_map : FileMap
        What its columns are.
    settings : GatewaySettings
        The broker and the address (`address_of`). An empty `client_id` is made unique to this
        replay, so that it does not throw out the live gateway of the same name.
    outbox_folder : Path
        Where the outboxes of replays are; the file's name is made of the content of the file, the
        map and the address.
    options : ReplayOptions
        Limits.
    console : Console, optional
        Where progress is shown: a bar on a terminal, else one line every 5 s.

    Raises
    ------
    FileRefused, FileChanged, BadCellsFound, CentreSilent, OutboxInUse
        Each says what is kept and how to go on.
    """
    if options.strict:
        _refuse_bad(await asyncio.to_thread(check, path, replay_map))
    before = await asyncio.to_thread(path.stat)
    name = await asyncio.to_thread(_identity, path, replay_map, settings.address)
    if not settings.client_id:
        address = settings.address
        client_id = f"{address.tenant}-{address.site}-{address.gateway}-replay-{name[:8]}"
        settings = replace(settings, client_id=client_id)
    outbox_path = outbox_folder / f"{name}.sqlite"
    with Outbox.open(outbox_path, keep_receipted_days=options.keep_receipted_days) as outbox:
        run = _Run(path, RowReader(path, replay_map), outbox, options)
        report = await run.finish(Gateway(outbox, settings), console)
    after = await asyncio.to_thread(path.stat)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise FileChanged(
            f"{path} was written to while it was read; {report.receipted_count} readings of it are"
            " receipted; replay it again when it is at rest, known readings count as duplicates"
        )
    return report


class _Run:
    """One start of a replay: the reader fills the outbox while the gateway empties it."""

    def __init__(
        self, path: Path, reader: RowReader, outbox: Outbox, options: ReplayOptions
    ) -> None:
        self._path = path
        self._reader = reader
        self._outbox = outbox
        self._options = options
        self._started_s = clock.monotonic()
        self._position = _Position.of(outbox)
        if self._position.complete:
            self._position = _Position(run=self._position.run + 1)
            outbox.reset_counters(position=self._position.stored())
        self._resumed_row_count = self._position.row_count
        self._receipted_before = outbox.counters().get("receipted", 0)
        log.info(
            "replay.started",
            file=str(path),
            outbox=str(outbox.path),
            outbox_origin=outbox.origin,
            damaged_outbox=outbox.damaged_path and str(outbox.damaged_path),
            run=self._position.run,
            resumed_row_count=self._resumed_row_count,
        )

    async def finish(self, gateway: Gateway, console: Console | None) -> ReplayReport:
        """Read, send and wait until all is receipted; on a fault, leave everything resumable."""
        with ReplayProgress(console or Console(stderr=True), self._reader.path.name) as shown:
            sending = asyncio.create_task(gateway.run())
            watching = asyncio.create_task(self._watch(gateway.counters, shown))
            filling = asyncio.create_task(self._fill_and_drain(gateway))
            tasks = {sending, watching, filling}
            try:
                # Sending and watching end by a fault alone.
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                gateway.stop()
                for task in (watching, filling):
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            shown.show(self._progress(gateway.counters))
        self._position.complete = True
        self._outbox.set_position(self._position.stored())
        self._outbox.compact()
        return self._finished(gateway.counters)

    async def _fill_and_drain(self, gateway: Gateway) -> None:
        options = self._options
        batches = self._reader.batches(
            options.message_reading_count * options.batch_message_count,
            after_row_count=self._position.row_count,
        )
        while (batch := await asyncio.to_thread(next, batches, None)) is not None:
            row_count, readings = batch
            self._position.row_count = max(row_count, self._position.row_count)
            await asyncio.to_thread(
                self._outbox.put_many,
                _messages(readings, options.message_reading_count),
                position=self._position.stored(),
            )
            crash_point("import_between_batches")
            while (  # noqa: ASYNC110 - receipts are taken in other threads
                self._outbox.pending_bytes > options.outbox_bytes_max
                or self._outbox.pending_count > options.outbox_message_count_max
            ):
                await asyncio.sleep(0.05)
        self._position.ended = True
        self._outbox.set_position(self._position.stored())
        await gateway.drained()

    async def _watch(self, counters: GatewayCounters, shown: ReplayProgress) -> None:
        """Show the progress, and give up on a centre that stays silent when told to."""
        patience_s = self._options.give_up_s or math.inf
        alive_s = clock.monotonic()
        while True:
            await asyncio.sleep(0.2)
            shown.show(self._progress(counters))
            now_s = clock.monotonic()
            if not self._outbox.pending_count:
                alive_s = now_s
            alive_s = max(alive_s, counters.last_receipt_s or alive_s)
            if now_s - alive_s > patience_s:
                raise CentreSilent(
                    f"no receipt for {patience_s:g} s;"
                    f" {counters.last_fault or 'the broker takes messages, the centre is silent'};"
                    f" {self._outbox.pending_reading_count} readings wait in {self._outbox.path}"
                    " and go out with the next run of the same command"
                )

    def _progress(self, counters: GatewayCounters) -> Progress:
        seconds = max(clock.monotonic() - self._started_s, 1e-3)
        tally = self._reader.tally
        receipted = self._receipted_before + counters.receipted_reading_count
        return Progress(
            size_bytes=self._reader.size_bytes,
            read_bytes=self._reader.read_bytes,
            row_count=tally.row_count,
            reading_count=tally.reading_count,
            receipted_count=receipted,
            bad_count=tally.bad_count,
            readings_per_s=counters.receipted_reading_count / seconds,
            fault=counters.last_fault,
        )

    def _finished(self, counters: GatewayCounters) -> ReplayReport:
        seconds = clock.monotonic() - self._started_s
        totals = self._outbox.counters()
        report = _report(
            self._path,
            self._outbox.path,
            self._position,
            self._resumed_row_count,
            self._reader.tally,
        )
        return replace(
            report,
            receipted_count=totals.get("receipted", 0),
            rejected_counts={
                name.removeprefix("rejected."): total
                for name, total in totals.items()
                if name.startswith("rejected.")
            },
            resent_message_count=counters.resent_count,
            seconds=seconds,
            readings_per_s=counters.receipted_reading_count / max(seconds, 1e-9),
        )


def _report(
    path: Path, outbox_path: Path, position: _Position, resumed_row_count: int, tally: Tally
) -> ReplayReport:
    return ReplayReport(
        path=path,
        outbox_path=outbox_path,
        run=position.run,
        resumed_row_count=resumed_row_count,
        row_count=tally.row_count,
        reading_count=tally.reading_count,
        missing_count=tally.missing_count,
        bad_count=tally.bad_count,
        bad_cells=tuple(tally.bad_cells),
        first=_moment(tally.first_ts_us),
        last=_moment(tally.last_ts_us),
    )


def _moment(ts_us: int | None) -> datetime | None:
    return None if ts_us is None else datetime.fromtimestamp(ts_us / 1_000_000, UTC)


def _messages(readings: Sequence[Reading], reading_count_max: int) -> list[Sequence[Reading]]:
    """Cut a batch into messages of nearly equal length."""
    if not readings:
        return []
    message_count = math.ceil(len(readings) / reading_count_max)
    size = math.ceil(len(readings) / message_count)
    return [readings[start : start + size] for start in range(0, len(readings), size)]


def _identity(path: Path, replay_map: FileMap, address: GatewayAddress) -> str:
    """Return the name of the outbox: another file, map or address has another one.

    The whole file is hashed, at about 1 GB/s: a position in a file of the same size and time but
    other content would lose rows silently.
    """
    with path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    # The address of the map may be overruled; the one that is used counts.
    meaning = replay_map.model_dump(mode="json", exclude={"tenant", "site", "gateway"})
    parts: list[Any] = [digest, meaning, address.tenant, address.site, address.gateway]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def _refuse_bad(report: ReplayReport) -> None:
    if report.bad_count:
        shown = "; ".join(str(cell) for cell in report.bad_cells[:10])
        raise BadCellsFound(
            f"{report.path}: {report.bad_count} bad cells, nothing was sent: {shown}; correct"
            " them, add them to `missing` in the map, or replay without --strict"
        )
