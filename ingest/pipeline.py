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
# Payload of a batch: up to some 80,000 readings, over which the ledgers of a commit spread.
_FLUSH_BYTES = 2 * 1024 * 1024


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


@dataclass(frozen=True, slots=True)
class _Part:
    """Deliveries that are decoded and checked, and wait for the database."""

    deliveries: list[Delivery]
    batch: Batch
    registry: Registry  # whose rows the batch has, even if another replaces it meanwhile
    received_us: int


@dataclass(slots=True)
class Pipeline:
    """The path of readings of one shard.

    While one part is stored the next is received and decoded; what is ready when the database is
    free goes in together. `registry` is replaced whole when a plant description changes.
    """

    receiver: Receiver
    committer: Committer
    registry: Registry
    flush_messages: int
    flush_s: float
    tally: Tally = field(default_factory=Tally)
    storing_us: int | None = None

    def waiting_s(self) -> float:
        """Return how long the oldest message has waited that is received and not stored. [s]."""
        return 0.0 if self.storing_us is None else (clock.now_us() - self.storing_us) / 1e6

    async def run(self) -> None:
        """Work until the receiver is closed or the task is cancelled."""
        ready: asyncio.Queue[_Part | None] = asyncio.Queue(maxsize=1)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._take_in(ready))
            group.create_task(self._store_all(ready))

    async def _take_in(self, ready: asyncio.Queue[_Part | None]) -> None:
        while True:
            try:
                deliveries = await self.receiver.batch(
                    count_max=self.flush_messages, bytes_max=_FLUSH_BYTES, wait_s=self.flush_s
                )
            except ReceiverClosed:
                await ready.put(None)
                return
            crash_point("received")
            # Beside the loop, which feeds the database what it is given to store.
            part = await asyncio.to_thread(self._read, deliveries)
            crash_point("parsed")
            await ready.put(part)

    async def _store_all(self, ready: asyncio.Queue[_Part | None]) -> None:
        while (part := await ready.get()) is not None:
            self.storing_us = part.received_us
            await self._store(part)
            self.storing_us = None

    async def _store(self, part: _Part) -> None:
        """Commit, then publish the receipts, then acknowledge."""
        messages, outcome = [], []
        for batch, done in await self._commit(part):
            messages += batch.messages
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
            self.receiver.acknowledge([delivery.token for delivery in part.deliveries])
        self.tally.messages += len(part.deliveries)
        _log_rejections(messages)

    async def _publish(self, receipt: Receipt) -> None:
        try:
            await self.receiver.publish(receipt.topic, receipt.payload)
        except Unpublishable as error:
            # Trying again would hold up every other message; the gateway will say it waits.
            _log.exception("ingest.receipt.refused", topic=receipt.topic, reason=str(error))

    def _read(self, deliveries: list[Delivery]) -> _Part:
        received_us = clock.now_us()
        registry = self.registry
        batch = assemble(deliveries, registry, now_us=received_us)
        return _Part(deliveries, batch, registry, received_us)

    async def _commit(self, part: _Part) -> list[tuple[Batch, Outcome]]:
        """Store a part as one batch; if a value is refused, halve until it stands alone."""
        try:
            return [(part.batch, await self._persist(part.batch, part))]
        except NotStorable as error:
            count = len(part.deliveries)
            if count > 1:
                middle = count // 2
                return [
                    *await self._commit(self._read(part.deliveries[:middle])),
                    *await self._commit(self._read(part.deliveries[middle:])),
                ]
            batch = set_aside(part.batch, code="not_storable", detail=str(error))
            return [(batch, await self._persist(batch, part))]

    async def _persist(self, batch: Batch, part: _Part) -> Outcome:
        """Commit, and wait for the database as long as it takes."""
        retry_s = 0.1
        while True:
            try:
                return await self.committer.commit(
                    batch, part.registry, received_us=part.received_us
                )
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
