"""The loop of a shard: receive, decode, check, commit, receipt, acknowledge. In this order.

Nothing is acknowledged that is not committed, and nothing is held here that the broker does not
hold too: a process killed anywhere loses nothing, and what it stored twice counts once.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from ingest.commit import Committer, Outcome
from ingest.ledger import Receipt
from ingest.mqtt import PublishFailed, Receiver, ReceiverClosed, Unpublishable
from ingest.reading import Delivery
from ingest.registry import Registry
from ingest.validate import SIGNATURE, Batch, Message, assemble, set_aside
from services import clock
from services.crash import crash_point
from services.store.pool import DatabaseUnavailable, NotStorable

_log = structlog.get_logger()
_RETRY_S_MAX = 10.0


@dataclass(slots=True)
class Tally:
    """Running counts of a process, for its log and its metrics."""

    messages: int = 0
    stored: int = 0
    duplicate: int = 0
    conflict: int = 0
    quarantined: int = 0
    commits: int = 0

    def add(self, outcome: Outcome) -> None:
        """Count one commit."""
        self.commits += 1
        for count in outcome.counts:
            self.stored += count.stored
            self.duplicate += count.duplicate
            self.conflict += count.conflict
            self.quarantined += count.quarantined


@dataclass(slots=True)
class Pipeline:
    """The path of readings of one shard.

    `registry` is replaced whole when a plant description changes.
    """

    receiver: Receiver
    committer: Committer
    registry: Registry
    flush_messages: int
    flush_s: float
    tally: Tally = field(default_factory=Tally)

    async def run(self) -> None:
        """Work until the receiver is closed or the task is cancelled."""
        while True:
            try:
                deliveries = await self.receiver.batch(
                    count_max=self.flush_messages, wait_s=self.flush_s
                )
            except ReceiverClosed:
                return
            crash_point("received")
            messages, outcome = [], []
            for part, done in await self._commit(deliveries):
                messages += part.messages
                outcome.append(done)
            for done in outcome:
                self.tally.add(done)
            crash_point("after_commit")
            try:
                for done in outcome:
                    for receipt in done.receipts:
                        await self._publish(receipt)
            except PublishFailed as error:
                # Not acknowledged: the broker delivers again, and the receipt is made again.
                _log.warning("ingest.receipt.postponed", reason=str(error))
            else:
                crash_point("after_receipt")
                self.receiver.acknowledge([delivery.token for delivery in deliveries])
            self.tally.messages += len(deliveries)
            _log_rejections(messages)

    async def _publish(self, receipt: Receipt) -> None:
        try:
            await self.receiver.publish(receipt.topic, receipt.payload)
        except Unpublishable as error:
            # Trying again would hold up every other message; the gateway will say it waits.
            _log.exception("ingest.receipt.refused", topic=receipt.topic, reason=str(error))

    async def _commit(self, deliveries: Sequence[Delivery]) -> list[tuple[Batch, Outcome]]:
        """Store deliveries as one batch; if a value is refused, halve until it stands alone."""
        received_us = clock.now_us()
        # Rows of the batch are rows of this registry, even if another replaces it meanwhile.
        registry = self.registry
        batch = assemble(deliveries, registry, now_us=received_us)
        crash_point("parsed")
        try:
            return [(batch, await self._persist(batch, registry, received_us))]
        except NotStorable as error:
            if len(deliveries) > 1:
                middle = len(deliveries) // 2
                return [
                    *await self._commit(deliveries[:middle]),
                    *await self._commit(deliveries[middle:]),
                ]
            batch = set_aside(batch, code="not_storable", detail=str(error))
            return [(batch, await self._persist(batch, registry, received_us))]

    async def _persist(self, batch: Batch, registry: Registry, received_us: int) -> Outcome:
        """Commit, and wait for the database as long as it takes."""
        retry_s = 0.1
        while True:
            try:
                return await self.committer.commit(batch, registry, received_us=received_us)
            except DatabaseUnavailable as error:
                # The broker holds everything meanwhile: its window fills, and it waits.
                _log.warning("ingest.commit.postponed", reason=str(error), retry_s=retry_s)
                await asyncio.sleep(retry_s)
                retry_s = min(retry_s * 2, _RETRY_S_MAX)


def _log_rejections(messages: Sequence[Message]) -> None:
    for message in messages:
        if message.rejected:
            first = message.rejected[0]
            if first.code == SIGNATURE:
                # Somebody who may write to the topic, and is not its gateway: people must know.
                _log.error("ingest.signature.refused", topic=message.delivery.topic)
            _log.warning(
                "ingest.message.quarantined",
                topic=message.delivery.topic,
                items=len(message.rejected),
                code=first.code,
                detail=first.detail,
            )
