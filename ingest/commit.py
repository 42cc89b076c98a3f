"""One transaction per batch: readings, quarantine, ledgers and dirty marks together, or nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from compute.periods import from_us
from ingest.decode import imported
from ingest.fates import Judged, mark_dirty, note_imported, store
from ingest.ledger import Firsts, Receipt, first_readings, receipts
from ingest.reading import Rejection
from ingest.registry import IMPORT_FORM, Registry
from ingest.validate import Batch, Message
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
            judged = await store(connection, batch, registry, firsts, received_us, merge=merge)
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
            judged = await store(connection, batch, registry, firsts, received_us, merge=True)
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
            await mark_dirty(connection, batch, registry, firsts, judged.stored)
            [tried] = batch.messages
            if tried.gateway and tried.gateway.form == IMPORT_FORM and tried.decoded.epoch:
                await note_imported(
                    connection,
                    batch,
                    firsts,
                    judged,
                    import_id=int(tried.decoded.epoch),
                    tenant_id=tried.gateway.tenant_id,
                    line=np.array(imported.lines_of(message.payload), dtype=np.int32),
                )


async def _write_ledgers(
    connection: Connection,
    batch: Batch,
    registry: Registry,
    firsts: Firsts,
    judged: Judged,
    *,
    received_us: int,
) -> Outcome:
    at = from_us(received_us)
    counts = _counts(batch, registry, firsts, judged)
    receipted = receipts(batch.messages)
    # One round trip for all of it.
    async with connection.pipeline():
        for message in batch.messages:
            if message.rejected:
                await _quarantine(connection, message, received_us=received_us)
        await ledger.add_counts(connection, counts, received_at=at)
        await ledger.add_sequences(connection, _seen(receipted), received_at=at)
        await mark_dirty(connection, batch, registry, firsts, judged.stored)
    return Outcome(counts, receipted)


def _seen(receipted: Sequence[Receipt]) -> list[tuple[int, str, list[tuple[int, int]]]]:
    """Return the numbers of each outbox once, however many receipts name them."""
    seen: dict[tuple[int, str], list[tuple[int, int]]] = {}
    for receipt in receipted:
        seen.setdefault((receipt.gateway_id, receipt.epoch), []).extend(receipt.ranges)
    return [(gateway_id, epoch, ranges) for (gateway_id, epoch), ranges in seen.items()]


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
    batch: Batch, registry: Registry, firsts: Firsts, judged: Judged
) -> list[ledger.HourCount]:
    """Return what became of the readings of each gateway that sent anything."""
    gateways = [message.gateway for message in batch.messages]
    quarantined: dict[int, int] = {one.index: 0 for one in gateways if one is not None}
    id_of = {one.index: one.id for one in gateways if one is not None}
    for message in batch.messages:
        if message.rejected and message.gateway:
            items = len({fault.item for fault in message.rejected})
            quarantined[message.gateway.index] += items
    sender = np.array([0 if one is None else one.index for one in gateways], dtype=np.int64)
    stored, duplicate, conflict = (
        np.bincount(sender[batch.message_index[places]], minlength=len(registry.by_topic)).tolist()
        for places in (firsts.origin[judged.stored], judged.duplicate, judged.conflict)
    )
    return [
        ledger.HourCount(
            id_of[index],
            stored=stored[index],
            duplicate=duplicate[index],
            conflict=conflict[index],
            quarantined=count,
        )
        for index, count in quarantined.items()
    ]
