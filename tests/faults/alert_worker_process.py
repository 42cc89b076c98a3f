"""A process that begets workers of alerts, so that a test can kill many without starting Python.

It imports and compiles once and forks. `start <crash point or ->` gives the number of a new worker
once it works, `tell <order>` has it hold the rules against what it is told and answers `kept`, or
`died`; `wait` gives the signal by which the last one died. A worker is the real one's tick and
notifier; the notifier's waits are short, so that a test can see what comes after them.
"""

import asyncio
import json
import os
import socket
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from compute.warm import warm
from ingest import notify_tick
from ingest.alert_tick import AlertTick
from ingest.notify_tick import NotifyTick
from services import crash
from services.notify import deliver, retry
from services.notify.exchange import Line
from services.notify.send import Means
from services.site_model import SiteModels
from services.store.pool import Database, DatabaseUnavailable
from tests.alert_centre import LOOPBACK

PATIENCE_S = 0.5
_PAUSE_S = 0.05


async def work(url: str, orders: socket.socket) -> None:
    """Notify, and evaluate as ordered, until killed or nobody orders any more."""
    database = await Database.open(url)
    tick = AlertTick(database, SiteModels())
    reader, writer = await asyncio.open_connection(sock=orders)
    notifying = asyncio.create_task(NotifyTick(database, Means(Line(LOOPBACK, PATIENCE_S))).run())
    writer.write(b"ready\n")
    async for line in reader:
        await evaluate(tick, json.loads(line))
        assert not notifying.done(), notifying
        writer.write(b"kept\n")


async def evaluate(tick: AlertTick, order: dict[str, Any]) -> None:
    """Hold the rules against what is told, as often as it takes until all of it is kept."""
    at = datetime.fromisoformat(order["at"])
    tick.on_live(order["site_id"], order["payload"], at)
    while True:
        try:
            await tick.tick(at)
        except DatabaseUnavailable:
            await asyncio.sleep(_PAUSE_S)
        else:
            return


@dataclass
class Child:
    """A worker, and the line on which it is told what to do."""

    number: int
    line: socket.socket

    def answer(self) -> str:
        """Return the next word of the worker; `died` if there is none any more."""
        word = b""
        try:
            while not word.endswith(b"\n"):
                piece = self.line.recv(64)
                if not piece:
                    return "died"
                word += piece
        except ConnectionResetError:
            return "died"
        return word.decode().strip()

    def tell(self, order: str) -> str:
        """Give an order, and return what became of it."""
        try:
            self.line.sendall(f"{order}\n".encode())
        except BrokenPipeError:
            return "died"
        return self.answer()


def start(url: str, crash_at: str) -> Child:
    """Fork a worker; return it once it is connected."""
    mine, other = socket.socketpair()
    number = os.fork()
    if not number:
        mine.close()
        os.dup2(2, 1)  # the answers are the parent's
        crash.arm(None if crash_at == "-" else crash_at)
        asyncio.run(work(url, other))
        os._exit(0)
    other.close()
    child = Child(number, mine)
    # One that is armed may die of what it finds to do at once.
    child.answer()
    return child


def main(url: str) -> None:
    """Do what is asked on the standard input, until its end."""
    deliver._CLAIM_MARGIN = timedelta(seconds=0.2)
    retry._FIRST_S, retry._LAST_S = 0.1, 0.3
    notify_tick._SWEEP_S = 0.1
    warm()
    child: Child | None = None
    for line in sys.stdin:
        word, _, rest = line.rstrip("\n").partition(" ")
        if word == "start":
            child = start(url, rest)
            said: object = child.number
        elif child is None:
            raise AssertionError("nothing was started")
        elif word == "tell":
            said = child.tell(rest)
        else:
            _, status = os.waitpid(child.number, 0)
            child.line.close()
            said = os.WTERMSIG(status)
        print(said, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
