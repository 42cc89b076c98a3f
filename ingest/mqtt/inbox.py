"""The bounded queue between a connection and the pipeline."""

import asyncio
from collections import deque
from collections.abc import Callable

from compute.errors import NengtanError
from ingest.reading import Delivery


class ReceiverClosed(NengtanError):
    """There will be no further delivery from this receiver."""


class Inbox:
    """Deliveries that have arrived and were not fetched yet.

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
        self._deliveries: deque[Delivery] = deque()
        self._bytes = 0
        self._first_s = 0.0  # when the oldest came, by the loop's clock
        self._waiter: asyncio.Future[None] | None = None
        self._wanted_count = 0
        self._closed_by: NengtanError | None = None

    def __len__(self) -> int:
        """Return how many deliveries wait."""
        return len(self._deliveries)

    @property
    def bytes(self) -> int:
        """Bytes that wait."""
        return self._bytes

    @property
    def is_full(self) -> bool:
        """Whether nothing more should be put in."""
        return len(self._deliveries) >= self._count_max or self._bytes >= self._bytes_max

    @property
    def is_half_free(self) -> bool:
        """Whether filling may begin again."""
        return len(self._deliveries) <= self._count_max // 2 and self._bytes <= self._bytes_max // 2

    def put(self, delivery: Delivery) -> None:
        """Add a delivery."""
        if not self._deliveries:
            self._first_s = asyncio.get_running_loop().time()
        self._deliveries.append(delivery)
        self._bytes += len(delivery.topic) + len(delivery.payload)
        if self._waiter is not None and (
            len(self._deliveries) >= self._wanted_count or self.is_full
        ):
            _wake(self._waiter)

    def drop_acknowledgeable(self) -> int:
        """Forget what the broker is about to deliver again, and return how many these are."""
        count = len(self._deliveries)
        self._deliveries = deque(one for one in self._deliveries if one.token == 0)
        self._bytes = sum(len(one.topic) + len(one.payload) for one in self._deliveries)
        return count - len(self._deliveries)

    def close(self, cause: NengtanError) -> None:
        """Let `batch` raise `cause` when the queue is empty. The first cause stands."""
        self._closed_by = self._closed_by or cause
        if self._waiter is not None:
            _wake(self._waiter)

    async def batch(self, *, count_max: int, wait_s: float) -> list[Delivery]:
        """Return at most `count_max` deliveries, `wait_s` after the first has come or when full.

        Cancelling it loses nothing. Only one may wait at a time.
        """
        while not self._deliveries:
            if self._closed_by is not None:
                raise self._closed_by
            await self._wait(1, until_s=None)
        until_s = self._first_s + wait_s
        if len(self._deliveries) < count_max and not self.is_full and self._closed_by is None:
            await self._wait(count_max, until_s=until_s)
        count = min(count_max, len(self._deliveries))
        taken = [self._deliveries.popleft() for _ in range(count)]
        self._bytes -= sum(len(one.topic) + len(one.payload) for one in taken)
        self._first_s = 0.0  # what is left has waited long enough
        if self.is_half_free:
            self._on_room()
        return taken

    async def _wait(self, wanted_count: int, *, until_s: float | None) -> None:
        if self._waiter is not None:
            raise RuntimeError("two tasks wait for a batch; one receiver has one consumer")
        loop = asyncio.get_running_loop()
        waiter = self._waiter = loop.create_future()
        self._wanted_count = wanted_count
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
