"""Quarantined items that are tried again: because a person asked, or because they became due."""

import structlog

from ingest.commit import Committer, quarantine_items
from ingest.reading import Delivery
from ingest.registry import Registry
from ingest.validate import Batch, assemble
from services import clock
from services.store import ledger
from services.store.pool import Database

_log = structlog.get_logger()


async def redrive_due(database: Database, committer: Committer, registry: Registry) -> int:
    """Try again what is due; return how many messages that were."""
    async with database.transaction() as connection:
        messages = await ledger.due_messages(connection, at=clock.now())
    for message in messages:
        await _redrive(message, committer, registry)
    return len(messages)


async def _redrive(message: ledger.DueMessage, committer: Committer, registry: Registry) -> None:
    received_us = clock.now_us()
    delivery = Delivery(message.topic, message.payload, token=0, qos=1, retained=False)
    batch = assemble([delivery], registry, now_us=received_us)
    wanted = set(message.items)
    whole = -1 in wanted
    part = batch if whole else _only(batch, wanted)
    tried = part.messages[0]
    kept = [
        item for item in quarantine_items(tried, tried.rejected) if whole or item.item in wanted
    ]
    still = {item.item for item in kept}
    resolved = [] if -1 in still else sorted(wanted - still)
    if not resolved:
        part = part.keep(part.item < 0)
    await committer.commit_redriven(
        part, registry, received_us=received_us, message=message, resolved=resolved, kept=kept
    )
    _log.info(
        "ingest.quarantine.tried",
        quarantine=message.quarantine_id,
        resolved=len(resolved),
        kept=len(kept),
    )


def _only(batch: Batch, items: set[int]) -> Batch:
    return batch.keep([int(item) in items for item in batch.item])
