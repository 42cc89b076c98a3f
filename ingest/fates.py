"""What becomes of readings: stored, duplicate or in conflict, and what that makes dirty."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from compute.arrivals import touched_rows
from compute.periods import from_us
from ingest.ledger import Firsts
from ingest.registry import IMPORT_FORM, Registry
from ingest.validate import Batch, Message
from services.crash import crash_point
from services.store import imports, ledger, readings
from services.store.pool import Connection


@dataclass(frozen=True, slots=True)
class Judged:
    """Every reading of a batch by what became of it: places in the batch, or rows of the firsts."""

    stored: npt.NDArray[np.int64]  # rows of firsts
    duplicate: npt.NDArray[np.int64]  # places in the batch
    conflict: npt.NDArray[np.int64]  # places in the batch
    conflict_kept: npt.NDArray[np.float64]  # what stands there instead


async def store(
    connection: Connection,
    batch: Batch,
    registry: Registry,
    firsts: Firsts,
    received_us: int,
    *,
    merge: bool,
) -> Judged:
    """Write readings and conflicts, and tell what became of every reading."""
    columns = firsts.columns
    known = readings.Known(np.empty(0, np.int64), np.empty(0))
    if len(columns):
        first, last = int(columns.ts_us[0]), int(columns.ts_us[-1])
        await readings.prepare_span(connection, first, last)
        crash_point("before_insert")
        if merge:
            known = await readings.merge_readings(connection, columns, received_us=received_us)
            if len(known.position):
                await _confirm(connection, batch)
        else:
            await readings.copy_readings(connection, columns, received_us=received_us)
        crash_point("after_insert")
    judged = judge(batch, firsts, known)
    await ledger.add_conflicts(
        connection, _conflicts(batch, registry, judged), received_at=from_us(received_us)
    )
    return judged


async def _confirm(connection: Connection, batch: Batch) -> None:
    """Note which readings of an import a gateway has sent too: undoing it must leave them."""
    if not any(
        message.gateway and message.gateway.form == IMPORT_FORM for message in batch.messages
    ):
        await imports.confirm_imported(connection)


async def note_imported(
    connection: Connection,
    batch: Batch,
    firsts: Firsts,
    judged: Judged,
    *,
    import_id: int,
    tenant_id: int,
    line: npt.NDArray[np.int32],
) -> None:
    """Note what an import stored, and what it only sent again.

    Parameters
    ----------
    line : (m,) int32
        Line of the file by item: `batch.item` counts in it.
    """
    columns = firsts.columns
    others = np.setdiff1d(np.arange(len(columns)), judged.stored)
    again = others[np.isin(firsts.origin[others], judged.duplicate)]
    rows = np.concatenate([judged.stored, again])
    await imports.add_import_readings(
        connection,
        import_id=import_id,
        tenant_id=tenant_id,
        ts_us=columns.ts_us[rows],
        point_id=columns.point_id[rows],
        line=line[batch.item[firsts.origin[rows]]],
        stored=np.repeat(np.array([1, 0], dtype=np.int32), [len(judged.stored), len(again)]),
    )


def senders_of(messages: Sequence[Message]) -> npt.NDArray[np.int32]:
    """Return the gateway of each message, 0 where it is of none: then it has no readings."""
    ids = [0 if message.gateway is None else message.gateway.id for message in messages]
    return np.array(ids, dtype=np.int32)


def _conflicts(batch: Batch, registry: Registry, judged: Judged) -> list[ledger.Conflict]:
    senders = senders_of(batch.messages)
    return [
        ledger.Conflict(
            point_id=int(registry.point_id[batch.row[place]]),
            ts_us=int(batch.ts_us[place]),
            value=_number(batch.value[place]),
            gateway_id=int(senders[batch.message_index[place]]),
            kept_value=_number(kept),
        )
        for place, kept in zip(judged.conflict.tolist(), judged.conflict_kept, strict=True)
    ]


def judge(batch: Batch, firsts: Firsts, known: readings.Known) -> Judged:
    """Tell duplicates from conflicts, in the batch and against what stood there before."""
    standing = firsts.columns.value.copy()
    standing[known.position] = known.value
    place = np.concatenate([firsts.repeat, firsts.origin[known.position]])
    kept = np.concatenate([standing[firsts.repeat_of], known.value])
    value = batch.value[place]
    same = (value == kept) | (np.isnan(value) & np.isnan(kept))
    is_new = np.ones(len(firsts.columns), dtype=np.bool_)
    is_new[known.position] = False
    return Judged(np.flatnonzero(is_new), place[same], place[~same], kept[~same])


def _number(value: Any) -> float | None:  # noqa: ANN401 - a numpy scalar of any float type
    return None if np.isnan(value) else float(value)


async def mark_dirty(
    connection: Connection,
    batch: Batch,
    registry: Registry,
    firsts: Firsts,
    stored: npt.NDArray[np.int64],
) -> None:
    """Mark, per site, the first and last stored reading of each point."""
    if not len(stored):
        return
    row, first_us, last_us = touched_rows(
        batch.row[firsts.origin[stored]],
        firsts.columns.ts_us[stored],
        row_count=len(registry.point_id),
    )
    await ledger.mark_dirty(
        connection,
        site_ids=registry.site_id[row],
        point_ids=registry.point_id[row],
        first_us=first_us,
        last_us=last_us,
    )
