"""A process that begets notifiers, so that a test can kill many of them without starting Python.

It imports once and forks; `start <crash point or ->` gives the number of a new notifier once it
works, `wait` the signal by which the last one died. A notifier is the worker's own task; its waits
are short, so that a test can see what comes after them.
"""

import asyncio
import os
import sys
from datetime import timedelta

from ingest import notify_tick
from ingest.notify_tick import NotifyTick
from services import crash
from services.notify import deliver, retry
from services.notify.exchange import Line
from services.notify.send import Means
from services.store.pool import Database
from tests.alert_centre import LOOPBACK

PATIENCE_S = 0.3


async def work(url: str, ready: int) -> None:
    database = await Database.open(url)
    os.write(ready, b"ready")
    await NotifyTick(database, Means(Line(LOOPBACK, PATIENCE_S))).run()


def start(url: str, crash_at: str) -> int:
    """Fork a notifier and return its number once it is connected."""
    reading, writing = os.pipe()
    number = os.fork()
    if not number:
        crash.arm(None if crash_at == "-" else crash_at)
        asyncio.run(work(url, writing))
        os._exit(0)
    os.close(writing)
    assert os.read(reading, 5) == b"ready"
    os.close(reading)
    return number


def main(url: str) -> None:
    deliver._CLAIM_MARGIN = timedelta(seconds=0.2)
    retry._FIRST_S, retry._LAST_S = 0.1, 0.3
    notify_tick._SWEEP_S = 0.1
    number = 0
    for line in sys.stdin:
        word, _, crash_at = line.strip().partition(" ")
        if word == "start":
            number = start(url, crash_at)
            print(number, flush=True)
        else:
            _, status = os.waitpid(number, 0)
            print(os.WTERMSIG(status), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
