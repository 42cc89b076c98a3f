"""A receiver of alerts that can be killed: what came in whole is in its file before it is answered.

Each request is met with the next behaviour that a seed draws.
"""

import json
import random
import sys
import threading
from pathlib import Path

from tests.receivers import Received, Receiver

# As often as not a message is taken; else everything that a receiver may do wrong happens to it.
BEHAVIOURS = ("200",) * 6 + ("500", "429:0", "hang", "redirect", "close", "cut")
_REQUESTS_MAX = 100_000


def serve(path: Path, port: int, seed: str) -> None:
    """Serve on a port until killed; the first line of the standard output says that it does."""
    chance = random.Random(seed)  # noqa: S311 - it must come again
    with path.open("a", encoding="utf-8") as file:

        def note(one: Received) -> None:
            row = {"key": one.key, "behaviour": one.behaviour, "body": one.body.decode()}
            file.write(f"{json.dumps(row)}\n")
            file.flush()

        script = [chance.choice(BEHAVIOURS) for _ in range(_REQUESTS_MAX)]
        with Receiver(script=script, port=port, note=note).running() as receiver:
            print(receiver.port, flush=True)
            threading.Event().wait()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
