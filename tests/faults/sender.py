"""A gateway process of a run of kills: outboxes on the disk, and a history outside the system.

`python -m tests.faults.sender <folder>` reads `sender.json` there, goes on where the outboxes say
it was killed, and ends once the file `enough` lies in the folder and everything is receipted.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from deploy.gateway import Gateway
from deploy.gateway_settings import GatewayAddress, GatewaySettings
from deploy.outbox import Outbox, Rejected, Released
from tests.faults.plan import Plan

PUT_PAUSE_S = 0.05
WAITING_MAX = 150  # messages


class History:
    """Lines appended to a file; what is written outlives a kill of the writer."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(self, what: str, **facts: object) -> None:
        """Write what happened, and when by the machine's monotonic clock."""
        line = json.dumps({"what": what, "at_s": time.monotonic(), **facts})
        os.write(self._file, line.encode() + b"\n")


class RecordedOutbox(Outbox):
    """An outbox that notes each receipt before it forgets anything for it."""

    tenant: str
    history: History

    def receipted(
        self, ranges: Iterable[tuple[int, int]], rejected: Iterable[Rejected] = (), *, at_us: int
    ) -> Released:
        spans, items = list(ranges), list(rejected)
        self.history.note(
            "receipt", tenant=self.tenant, spans=spans, rejected=[item.code for item in items]
        )
        return super().receipted(spans, items, at_us=at_us)

    def put_next(self, plan: Plan) -> None:
        """Put the message that follows; with its place in the plan, in one transaction."""
        number = self.next_number()
        message = plan.message(number)
        readings = [
            (point, round(at.timestamp()) * 1_000_000, float(value))
            for point, at, value in message.readings
        ]
        with self._lock:
            # A number of the plan's that is missing: the gateway counted it, and lost the message.
            self.last_seq = message.seq - 1
            self.put_many([readings], position={"next": str(number + 1)})
        self.history.note("put", tenant=self.tenant, number=number, seq=message.seq)

    def next_number(self) -> int:
        return int(self.position("next") or 0)


def settings_of(facts: Mapping[str, Any]) -> GatewaySettings:
    address = GatewayAddress(facts["tenant"], facts["site"], facts["gateway"])
    return GatewaySettings(
        host="127.0.0.1",
        port=facts["port"],
        address=address,
        username=facts["username"],
        password=facts["password"],
        receipt_timeout_s=2.0,
        acknowledge_timeout_s=5.0,
        connect_timeout_s=5.0,
        pause_s_max=1.0,
        window_message_count=64,
    )


async def fill(outbox: RecordedOutbox, plan: Plan, enough: Path) -> None:
    while not await asyncio.to_thread(enough.exists):
        if outbox.pending_count < WAITING_MAX:
            await asyncio.to_thread(outbox.put_next, plan)
        await asyncio.sleep(PUT_PAUSE_S)


async def send(folder: Path) -> None:
    facts = json.loads((folder / "sender.json").read_text(encoding="utf-8"))
    history = History(folder / "history.jsonl")

    async def one(gateway: Mapping[str, Any]) -> int:
        tenant = gateway["tenant"]
        with RecordedOutbox.open(folder / f"{tenant}.sqlite") as outbox:
            outbox.tenant, outbox.history = tenant, history
            plan = Plan(facts["seed"], tenant)
            history.note("opened", tenant=tenant, epoch=outbox.epoch, origin=outbox.origin)
            sender = Gateway(outbox, settings_of(gateway))
            running = asyncio.create_task(sender.run())
            await fill(outbox, plan, folder / "enough")
            await sender.drained()
            sender.stop()
            await running
            return outbox.next_number()

    counts = await asyncio.gather(*(one(gateway) for gateway in facts["gateways"]))
    tenants = [gateway["tenant"] for gateway in facts["gateways"]]
    history.note("drained", counts=dict(zip(tenants, counts, strict=True)))


if __name__ == "__main__":
    asyncio.run(send(Path(sys.argv[1])))
