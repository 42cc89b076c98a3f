"""One transaction per batch: readings, quarantine, ledgers and dirty marks together, or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from compute.periods import from_us
from ingest.ledger import Firsts, Receipt, first_readings, receipts
from ingest.reading import Rejection
from ingest.registry import Registry
from ingest.validate import Batch, Message
from services.crash import crash_point
from services.store import ledger, readings
from services.store.pool import Connection, Database


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a batch.

    Attributes
    ----------
    counts : list of HourCount
        Per gateway; received = stored + duplicate + conflict + quarantined.
    receipts : list of Receipt
        To publish now that it is durable.
    """

    counts: list[ledger.HourCount]
    receipts: list[Receipt]

    @property
    def stored(self) -> int:
        """Readings stored."""
        return sum(count.stored for count in self.counts)

    @property
    def duplicate(self) -> int:
        """Readings that stood there already."""
        return sum(count.duplicate for count in self.counts)


class Committer:
    """Stores batches; it remembers only whether duplicates are to be expected."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._expect_duplicates = False

    async def commit(self, batch: Batch, registry: Registry, *, received_us: int) -> Outcome:
        """Store a batch and everything that is said of it; on return it is durable.

        Raises
        ------
        DatabaseUnavailable
            If it could not be stored: nothing of it was, and the broker still has it.
        NotStorable
            If a value of it can never be stored: nothing of it was.
        """
        firsts = first_readings(batch, registry)
        if not self._expect_duplicates:
            try:
                return await self._once(batch, registry, firsts, received_us, merge=False)
            except readings.ReadingsKnown:
                # Some instant is taken: the transaction is lost, the other way finds out which.
                self._expect_duplicates = True
        outcome = await self._once(batch, registry, firsts, received_us, merge=True)
        self._expect_duplicates = outcome.duplicate > 0
        return outcome

    async def _once(
        self,
        batch: Batch,
        registry: Registry,
        firsts: Firsts,
        received_us: int,
        *,
        merge: bool,
    ) -> Outcome:
        async with self._database.transaction() as connection:
            judged = await _store(connection, batch, registry, firsts, received_us, merge=merge)
            return await _write_ledgers(
                connection, batch, registry, firsts, judged, received_us=received_us
            )

    async def commit_redriven(
        self,
        batch: Batch,
        registry: Registry,
        *,
        received_us: int,
        message: ledger.DueMessage,
        resolved: Sequence[int],
        kept: Sequence[ledger.QuarantineItem],
    ) -> None:
        """Store the items of a quarantined message that can be taken now.

        The message was counted, receipted and numbered when it came; only what became of its
        items changes.
        """
        firsts = first_readings(batch, registry)
        # Of a message that was kept whole, single items may be kept now that were not counted.
        found = {item.item for item in kept} - set(message.items)
        async with self._database.transaction() as connection:
            judged = await _store(connection, batch, registry, firsts, received_us, merge=True)
            await ledger.settle_quarantine(
                connection,
                message,
                resolved=resolved,
                kept=kept,
                counted=ledger.HourCount(
                    message.gateway_id,
                    stored=len(judged.stored),
                    duplicate=len(judged.duplicate),
                    conflict=len(judged.conflict),
                    quarantined=len(resolved) - len(found),
                ),
                at=from_us(received_us),
            )
            await _mark_dirty(connection, batch, registry, firsts, judged.stored)


async def _store(
    connection: Connection,
    batch: Batch,
    registry: Registry,
    firsts: Firsts,
    received_us: int,
    *,
    merge: bool,
) -> "_Judged":
    """Write readings and conflicts, and tell what became of every reading."""
    columns = firsts.columns
    known = readings.Known(np.empty(0, np.int64), np.empty(0))
    if len(columns):
        first, last = int(columns.ts_us[0]), int(columns.ts_us[-1])
        await readings.prepare_span(connection, first, last)
        crash_point("before_insert")
        if merge:
            known = await readings.merge_readings(connection, columns, received_us=received_us)
        else:
            await readings.copy_readings(connection, columns, received_us=received_us)
        crash_point("after_insert")
    judged = _judge(batch, firsts, known)
    await ledger.add_conflicts(
        connection, _conflicts(batch, registry, judged), received_at=from_us(received_us)
    )
    return judged


def _conflicts(batch: Batch, registry: Registry, judged: "_Judged") -> list[ledger.Conflict]:
    return [
        ledger.Conflict(
            point_id=int(registry.point_id[batch.row[place]]),
            ts_us=int(batch.ts_us[place]),
            value=_number(batch.value[place]),
            gateway_id=int(registry.gateway_id[batch.row[place]]),
            kept_value=_number(kept),
        )
        for place, kept in zip(judged.conflict.tolist(), judged.conflict_kept, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Judged:
    """Every reading of a batch by what became of it: places in the batch, or rows of the firsts."""

    stored: npt.NDArray[np.int64]  # rows of firsts
    duplicate: npt.NDArray[np.int64]  # places in the batch
    conflict: npt.NDArray[np.int64]  # places in the batch
    conflict_kept: npt.NDArray[np.float64]  # what stands there instead


def _judge(batch: Batch, firsts: Firsts, known: readings.Known) -> _Judged:
    """Tell duplicates from conflicts, in the batch and against what stood there before."""
    standing = firsts.columns.value.copy()
    standing[known.position] = known.value
    place = np.concatenate([firsts.repeat, firsts.origin[known.position]])
    kept = np.concatenate([standing[firsts.repeat_of], known.value])
    value = batch.value[place]
    same = (value == kept) | (np.isnan(value) & np.isnan(kept))
    is_new = np.ones(len(firsts.columns), dtype=np.bool_)
    is_new[known.position] = False
    return _Judged(np.flatnonzero(is_new), place[same], place[~same], kept[~same])


async def _write_ledgers(
    connection: Connection,
    batch: Batch,
    registry: Registry,
    firsts: Firsts,
    judged: _Judged,
    *,
    received_us: int,
) -> Outcome:
    at = from_us(received_us)
    gateway_of = registry.gateway_id[batch.row]
    for message in batch.messages:
        if message.rejected:
            await _quarantine(connection, message, received_us=received_us)
    counts = _counts(batch.messages, gateway_of, firsts, judged)
    await ledger.add_counts(connection, counts, received_at=at)
    receipted = receipts(batch.messages)
    await ledger.add_sequences(connection, _seen(receipted), received_at=at)
    await _mark_dirty(connection, batch, registry, firsts, judged.stored)
    return Outcome(counts, receipted)


def _seen(receipted: Sequence[Receipt]) -> list[tuple[int, str, list[tuple[int, int]]]]:
    """Return the numbers of each outbox once, however many receipts name them."""
    seen: dict[tuple[int, str], list[tuple[int, int]]] = {}
    for receipt in receipted:
        seen.setdefault((receipt.gateway_id, receipt.epoch), []).extend(receipt.ranges)
    return [(gateway_id, epoch, ranges) for (gateway_id, epoch), ranges in seen.items()]


def _number(value: Any) -> float | None:  # noqa: ANN401 - a numpy scalar of any float type
    return None if np.isnan(value) else float(value)


async def _quarantine(connection: Connection, message: Message, *, received_us: int) -> None:
    gateway = message.gateway
    await ledger.quarantine(
        connection,
        tenant_id=gateway.tenant_id if gateway else None,
        gateway_id=gateway.id if gateway else None,
        topic=message.delivery.topic,
        payload=message.delivery.payload,
        items=quarantine_items(message, message.rejected),
        received_at=from_us(received_us),
    )


def quarantine_items(
    message: Message, rejected: Sequence[Rejection]
) -> list[ledger.QuarantineItem]:
    """Return rejections as rows; several faults of one item are one row, the first."""
    items: dict[int, ledger.QuarantineItem] = {}
    for fault in rejected:
        due = message.due_at.get(fault.item)
        items.setdefault(
            fault.item, ledger.QuarantineItem(fault.item, fault.code, fault.detail, due)
        )
    return list(items.values())


def _counts(
    messages: Sequence[Message],
    gateway_of: npt.NDArray[np.int32],
    firsts: Firsts,
    judged: _Judged,
) -> list[ledger.HourCount]:
    quarantined: dict[int, int] = {}
    for message in messages:
        if message.gateway:
            items = len({fault.item for fault in message.rejected})
            known = quarantined.get(message.gateway.id, 0)
            quarantined[message.gateway.id] = known + items
    by_fate = [
        dict(zip(*(part.tolist() for part in np.unique(ids, return_counts=True)), strict=True))
        for ids in (
            gateway_of[firsts.origin[judged.stored]],
            gateway_of[judged.duplicate],
            gateway_of[judged.conflict],
        )
    ]
    return [
        ledger.HourCount(
            gateway_id,
            stored=by_fate[0].get(gateway_id, 0),
            duplicate=by_fate[1].get(gateway_id, 0),
            conflict=by_fate[2].get(gateway_id, 0),
            quarantined=count,
        )
        for gateway_id, count in quarantined.items()
    ]


async def _mark_dirty(
    connection: Connection,
    batch: Batch,
    registry: Registry,
    firsts: Firsts,
    stored: npt.NDArray[np.int64],
) -> None:
    """Mark, per site, the first and last stored reading of each point."""
    if not len(stored):
        return
    site_of = registry.site_id[batch.row[firsts.origin[stored]]]
    point_id, ts_us = firsts.columns.point_id[stored], firsts.columns.ts_us[stored]
    for site_id in np.unique(site_of).tolist():
        here = site_of == site_id
        points, inverse = np.unique(point_id[here], return_inverse=True)
        first_us = np.full(len(points), np.iinfo(np.int64).max)
        last_us = np.full(len(points), np.iinfo(np.int64).min)
        np.minimum.at(first_us, inverse, ts_us[here])
        np.maximum.at(last_us, inverse, ts_us[here])
        await ledger.mark_dirty(
            connection, site_id=site_id, point_ids=points, first_us=first_us, last_us=last_us
        )
    await ledger.ring_dirty(connection)
