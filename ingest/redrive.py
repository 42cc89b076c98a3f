"""Quarantined items that are tried again: because a person asked, or because they became due."""

from dataclasses import dataclass

import numpy as np
import structlog

from ingest.commit import Committer, quarantine_items
from ingest.reading import WHOLE, Delivery
from ingest.registry import Registry
from ingest.validate import Batch, assemble
from services import clock
from services.store import ledger
from services.store.pool import Database, NotStorable

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
    attempt = _judge(batch, message)
    try:
        await _settle(attempt, message, committer, registry, received_us=received_us)
    except NotStorable as error:
        attempt = _keep_all(batch, message, code="not_storable", detail=str(error))
        await _settle(attempt, message, committer, registry, received_us=received_us)
    _log.info(
        "ingest.quarantine.tried",
        quarantine=message.quarantine_id,
        resolved=len(attempt.resolved),
        kept=len(attempt.kept),
    )


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What a second try of a message comes to: readings to store, items taken, items kept."""

    batch: Batch
    resolved: list[int]
    kept: list[ledger.QuarantineItem]


def _judge(batch: Batch, message: ledger.DueMessage) -> _Attempt:
    """Tell which of the wanted items can be taken now."""
    wanted = set(message.items)
    [tried] = batch.messages
    faults = {fault.item: fault for fault in quarantine_items(tried, tried.rejected)}
    if WHOLE in faults:
        fault = faults[WHOLE]
        return _keep_all(batch, message, code=fault.code, detail=fault.detail)
    if WHOLE in wanted:
        # The message can be read now: what is wrong with single items of it shows only now.
        return _Attempt(batch, sorted(wanted - set(faults)), list(faults.values()))
    part = batch.keep(np.isin(batch.item, sorted(wanted)))
    kept = [faults[item] for item in sorted(wanted & set(faults))]
    return _Attempt(part, sorted(wanted - set(faults)), kept)


def _keep_all(batch: Batch, message: ledger.DueMessage, *, code: str, detail: str) -> _Attempt:
    kept = [ledger.QuarantineItem(item, code, detail, None) for item in message.items]
    return _Attempt(batch.keep(np.zeros(len(batch), dtype=np.bool_)), [], kept)


async def _settle(
    attempt: _Attempt,
    message: ledger.DueMessage,
    committer: Committer,
    registry: Registry,
    *,
    received_us: int,
) -> None:
    await committer.commit_redriven(
        attempt.batch,
        registry,
        received_us=received_us,
        message=message,
        resolved=attempt.resolved,
        kept=attempt.kept,
    )
