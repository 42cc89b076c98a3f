"""The bounded queue between a connection and the pipeline."""

import asyncio
from collections import deque
from collections.abc import Callable

from compute.errors import NengtanError
from ingest.reading import Delivery


class ReceiverClosed(NengtanError):
    """There will be no further delivery from this receiver."""


class Inbox:
    """Deliveries that have arrived and were not fetched yet, a lane for each topic.

    A batch takes an equal share from every lane that has something, in its order: who sends a
    backlog waits for itself and holds up no other.

    It never refuses a delivery. Whoever fills it stops while `is_full`, and is called when half
    of it is free again: so the bound is passed by one delivery at most, and reading does not
    start and stop with each message.

    Parameters
    ----------
    count_max, bytes_max : int
        Where it is full. Bytes are those of topics and payloads. > 0.
    on_room : callable
        Called when half of it has become free.
    """

    def __init__(self, *, count_max: int, bytes_max: int, on_room: Callable[[], None]) -> None:
        self._count_max = count_max
        self._bytes_max = bytes_max
        self._on_room = on_room
        # By topic, whose turn is next first.
        self._lanes: dict[str, deque[Delivery]] = {}
        self._count = 0
        self._bytes = 0
        self._first_s = 0.0  # when the oldest came, by the loop's clock
        self._waiter: asyncio.Future[None] | None = None
        self._wanted = (0, 0)  # count and bytes that end the waiting
        self._closed_by: NengtanError | None = None

    def __len__(self) -> int:
        """Return how many deliveries wait."""
        return self._count

    @property
    def bytes(self) -> int:
        """Bytes that wait."""
        return self._bytes

    @property
    def is_full(self) -> bool:
        """Whether nothing more should be put in."""
        return self._count >= self._count_max or self._bytes >= self._bytes_max

    @property
    def is_half_free(self) -> bool:
        """Whether filling may begin again."""
        return self._count <= self._count_max // 2 and self._bytes <= self._bytes_max // 2

    def put(self, delivery: Delivery) -> None:
        """Add a delivery."""
        if not self._count:
            self._first_s = asyncio.get_running_loop().time()
        lane = self._lanes.get(delivery.topic)
        if lane is None:
            lane = self._lanes[delivery.topic] = deque()
        lane.append(delivery)
        self._count += 1
        self._bytes += len(delivery.topic) + len(delivery.payload)
        if self._waiter is not None and (self._holds(*self._wanted) or self.is_full):
            _wake(self._waiter)

    def drop_acknowledgeable(self) -> int:
        """Forget what the broker is about to deliver again, and return how many these are."""
        before = self._count
        kept = [one for lane in self._lanes.values() for one in lane if one.token == 0]
        self._lanes.clear()
        self._count = self._bytes = 0
        for one in kept:
            self.put(one)
        return before - self._count

    def close(self, cause: NengtanError) -> None:
        """Let `batch` raise `cause` when the queue is empty. The first cause stands."""
        self._closed_by = self._closed_by or cause
        if self._waiter is not None:
            _wake(self._waiter)

    async def batch(
        self, *, count_max: int, bytes_max: int = 1 << 62, wait_s: float
    ) -> list[Delivery]:
        """Return at most `count_max` deliveries, `wait_s` after the first has come or when full.

        No further one is added to `bytes_max` bytes. Cancelling it loses nothing. Only one may
        wait at a time.
        """
        while not self._count:
            if self._closed_by is not None:
                raise self._closed_by
            await self._wait(1, 0, until_s=None)
        until_s = self._first_s + wait_s
        if not self._holds(count_max, bytes_max) and not self.is_full and self._closed_by is None:
            await self._wait(count_max, bytes_max, until_s=until_s)
        taken: list[Delivery] = []
        stop_bytes = max(0, self._bytes - bytes_max)
        while self._count and len(taken) < count_max and (self._bytes > stop_bytes or not taken):
            # What fits is shared out again as long as lanes leave some of their share to others.
            share = max(1, (count_max - len(taken)) // len(self._lanes))
            for topic in list(self._lanes):
                if len(taken) == count_max or (taken and self._bytes <= stop_bytes):
                    break
                self._take(topic, share, taken, stop_bytes=stop_bytes)
        self._first_s = 0.0  # what is left has waited long enough
        if self.is_half_free:
            self._on_room()
        return taken

    def _take(self, topic: str, share: int, taken: list[Delivery], *, stop_bytes: int) -> None:
        """Move a share of a lane; what is left of it comes last in turn."""
        lane = self._lanes.pop(topic)
        bytes_share = max(1, (self._bytes - stop_bytes) // (len(self._lanes) + 1))
        moved_bytes = 0
        for _ in range(min(share, len(lane))):
            one = lane.popleft()
            taken.append(one)
            moved_bytes += len(one.topic) + len(one.payload)
            self._count -= 1
            if moved_bytes >= bytes_share:
                break
        self._bytes -= moved_bytes
        if lane:
            self._lanes[topic] = lane

    def _holds(self, count: int, size: int) -> bool:
        return self._count >= count or self._bytes >= size

    async def _wait(self, wanted_count: int, wanted_bytes: int, *, until_s: float | None) -> None:
        if self._waiter is not None:
            raise RuntimeError("two tasks wait for a batch; one receiver has one consumer")
        loop = asyncio.get_running_loop()
        waiter = self._waiter = loop.create_future()
        self._wanted = (wanted_count, wanted_bytes or 1 << 62)
        timer = None if until_s is None else loop.call_at(until_s, _wake, waiter)
        try:
            await waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
