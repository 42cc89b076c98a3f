"""A centre that only writes receipts, and forgets some: what a gateway is tested against."""

import asyncio
import contextlib
import json
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from typing import Any

import aiomqtt
import msgspec


class EchoCentre:
    """Takes every telemetry message and publishes its receipt after a moment.

    Parameters
    ----------
    port : int
        Of the broker, whose user "everything" may do everything.
    drop_share : float
        The share of receipts that are not sent, 0..1.
    rejected_point : str, optional
        Readings of this point are rejected as unknown_point.
    """

    def __init__(
        self, port: int, *, drop_share: float = 0.0, rejected_point: str | None = None
    ) -> None:
        self.drop_share = drop_share
        self.readings: dict[str, dict[int, Any]] = defaultdict(dict)  # epoch → seq → readings
        self.delivery_counts: Counter[tuple[str, int]] = Counter()
        self.order: list[int] = []  # seqs as they came, first deliveries alone
        self.silent = False
        self.listening = asyncio.Event()  # set once the broker has heard of it
        self._port = port
        self._rejected_point = rejected_point
        self._chance = random.Random(11)  # noqa: S311 - a seed, not a secret

    @property
    def reading_count(self) -> int:
        """Distinct readings that came, by message."""
        return sum(len(rows) for by_seq in self.readings.values() for rows in by_seq.values())

    async def run(self) -> None:
        """Serve until cancelled, through any failure of the broker."""
        while True:
            with contextlib.suppress(aiomqtt.MqttError):
                await self._serve()
            await asyncio.sleep(0.05)

    async def _serve(self) -> None:
        async with aiomqtt.Client(
            "127.0.0.1",
            self._port,
            username="everything",
            password="everything",
            identifier="echo-centre",
            timeout=1,
        ) as client:
            await client.subscribe("nengtan/v1/+/+/+/telemetry", qos=1)
            self.listening.set()
            messages = client.messages
            async for message in messages:
                batch = [message]
                while len(messages):
                    batch.append(await anext(messages))
                for topic, receipt in self._receipts(batch):
                    await client.publish(topic, json.dumps(receipt), qos=1)

    def _receipts(self, batch: list[aiomqtt.Message]) -> list[tuple[str, dict[str, Any]]]:
        receipts: dict[tuple[str, str], dict[str, Any]] = {}
        for message in batch:
            body = msgspec.json.decode(message.payload)
            epoch, seq, rows = body["epoch"], body["seq"], body["readings"]
            if seq not in self.readings[epoch]:
                self.order.append(seq)
            self.readings[epoch][seq] = rows
            self.delivery_counts[epoch, seq] += 1
            if self.silent or self._chance.random() < self.drop_share:
                continue
            topic = message.topic.value.replace("/telemetry", "/receipt")
            receipt = receipts.setdefault(
                (topic, epoch), {"epoch": epoch, "seq": [], "rejected": []}
            )
            receipt["seq"].append([seq, seq])
            receipt["rejected"] += [
                {"seq": seq, "item": item, "code": "unknown_point"}
                for item, row in enumerate(rows)
                if row[0] == self._rejected_point
            ]
        return [(topic, receipt) for (topic, _), receipt in receipts.items()]


@contextlib.asynccontextmanager
async def serving(centre: EchoCentre) -> AsyncIterator[EchoCentre]:
    """Run a centre beside the test, from when it hears what is published."""
    task = asyncio.create_task(centre.run())
    try:
        await asyncio.wait_for(centre.listening.wait(), 20)
        yield centre
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
