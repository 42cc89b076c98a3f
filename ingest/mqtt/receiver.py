"""What every receiver is: a persistent session with a broker that survives the connection."""

import asyncio
import contextlib
import ssl
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from secrets import SystemRandom
from types import TracebackType
from typing import Self

import structlog

from compute.errors import NengtanError
from ingest.mqtt.inbox import Inbox, ReceiverClosed
from ingest.reading import Delivery
from ingest.topics import check_filter

_log = structlog.get_logger()

NEVER_EXPIRES_S = 0xFFFF_FFFF  # MQTT 5, 3.1.2.11.2
_STABLE_S = 10.0  # a connection that lived this long ends the row of failures


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Where the broker is, who we are to it, and the limits.

    Attributes
    ----------
    client_id : str
        Fixed for a shard: the session of unacknowledged messages hangs on it.
    session_expiry_s : int
        How long the broker keeps the session without us; never lost by default. MQTT 5 only.
    receive_max : int
        Unacknowledged messages the broker may send at once (Receive Maximum). 1 to 65,535.
    queue_count_max, queue_bytes_max : int
        Received and not fetched: beyond either, nothing more is read from the socket.
    packet_bytes_max : int
        A larger packet is not sent to us by an MQTT 5 broker; one that is ends the connection.
    keep_alive_s : int
        A dead peer is noticed within 1.5 times this.
    publish_timeout_s : float
        How long a publication may wait to be written before the connection is given up.
    stops_on_takeover : bool
        Whether another client with our id ends this receiver, rather than being pushed out again.
    """

    host: str
    port: int = 1883
    client_id: str
    username: str | None = None
    password: str | None = None
    tls: ssl.SSLContext | None = None
    session_expiry_s: int = NEVER_EXPIRES_S
    receive_max: int = 2_000
    queue_count_max: int = 10_000
    queue_bytes_max: int = 64 * 1024 * 1024
    packet_bytes_max: int = 1_052_672  # 1 MB of payload, topic and properties on top
    keep_alive_s: int = 30
    connect_timeout_s: float = 10.0
    publish_timeout_s: float = 10.0
    backoff_s_max: float = 10.0
    stops_on_takeover: bool = False

    def __repr__(self) -> str:
        """Return it without the password."""
        return f"Broker({self.client_id!r} at {self.host}:{self.port})"


class ConnectionEnded(NengtanError):
    """A connection could not be made, or is over."""


class SessionTakenOver(ReceiverClosed):
    """Another client with the same id has taken the session."""


class PublishFailed(NengtanError):
    """A publication was not written; what it answers must not be acknowledged now."""


class Unpublishable(PublishFailed):
    """The broker or the protocol can never take this publication; trying again does not help."""


class Receiver(ABC):
    """Messages in, acknowledgements out, and a few publications.

    `start` returns at once; connecting goes on for ever, with full-jitter pauses. What is not
    acknowledged is delivered again by the broker after a reconnect.

    Parameters
    ----------
    broker : Broker
    filters : sequence of str
        Topic filters, subscribed at QoS 1 on every connect.
    """

    def __init__(self, broker: Broker, filters: Sequence[str]) -> None:
        self._broker = broker
        self._filters = [check_filter(pattern) for pattern in filters]
        self._inbox = Inbox(
            count_max=broker.queue_count_max,
            bytes_max=broker.queue_bytes_max,
            on_room=self._resume_reading,
        )
        self._unacknowledged: dict[int, int] = {}  # packet id of this connection → which it was
        self._arrival_count = 0
        self._generation = 0  # counts connections: tokens of earlier ones mean nothing
        self._is_connected = False
        self._is_closing = False
        self._session_present = False
        self._connection_count = 0
        self._refused_filters: tuple[str, ...] = ()
        self._random = SystemRandom()
        self._task: asyncio.Task[None] | None = None

    # Health

    @property
    def connected(self) -> bool:
        """Whether the broker has answered to the session and the first subscriptions."""
        return self._is_connected

    @property
    def session_present(self) -> bool:
        """Whether the broker knew our session, as it last said: of this one once `connected`."""
        return self._session_present

    @property
    def unacknowledged_count(self) -> int:
        """Messages of this connection that were received and not acknowledged."""
        return len(self._unacknowledged)

    @property
    def queued_count(self) -> int:
        """Messages received and not fetched."""
        return len(self._inbox)

    @property
    def queued_bytes(self) -> int:
        """Bytes of the messages received and not fetched."""
        return self._inbox.bytes

    @property
    def reconnect_count(self) -> int:
        """How often the connection was made again."""
        return max(0, self._connection_count - 1)

    @property
    def refused_filters(self) -> tuple[str, ...]:
        """Filters that the broker does not let us subscribe to."""
        return self._refused_filters

    def _note_arrival(self, packet_id: int) -> int:
        """Note a message that wants to be acknowledged; return its token."""
        self._arrival_count += 1
        self._unacknowledged[packet_id] = self._arrival_count
        return self._generation << 16 | packet_id

    def _take_unacknowledged(self, tokens: Sequence[int]) -> list[int]:
        """Return the packet ids of tokens of this connection in order of arrival, and forget."""
        base, waiting = self._generation << 16, self._unacknowledged
        found = {token - base for token in tokens if token - base in waiting}
        return sorted(found, key=waiting.pop)

    # Life

    async def __aenter__(self) -> Self:
        """Start."""
        self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        await self.close()

    def start(self) -> None:
        """Begin to connect. A broker that is away is waited for."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())
            self._task.add_done_callback(self._on_end)

    async def close(self) -> None:
        """Say goodbye to the broker, which keeps the session; `batch` gives out what it has."""
        self._is_closing = True
        self._inbox.close(ReceiverClosed("the receiver was closed; make another to go on"))
        if self._task is not None and not self._task.done():
            await self._disconnect()
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    # Work

    async def batch(
        self, *, count_max: int, bytes_max: int = 1 << 62, wait_s: float
    ) -> list[Delivery]:
        """Return the next deliveries, at least one: of every topic its share, in its order.

        Parameters
        ----------
        count_max : int
            Most that are wanted. > 0.
        bytes_max : int
            To as many bytes, no further one is added.
        wait_s : float
            How long to wait for more after the first has come.

        Raises
        ------
        ReceiverClosed
            If the receiver was closed and everything was fetched.
        """
        return await self._inbox.batch(count_max=count_max, bytes_max=bytes_max, wait_s=wait_s)

    @abstractmethod
    def acknowledge(self, tokens: Sequence[int]) -> None:
        """Tell the broker to forget deliveries, by their tokens, in the order they came.

        Tokens of earlier connections and 0 are passed over: the broker redelivers those messages.
        """

    @abstractmethod
    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> None:
        """Write a message to the broker, without waiting for it to be confirmed.

        Raises
        ------
        PublishFailed
            If there is no connection, or the broker takes nothing: then the connection is ended,
            and unacknowledged messages come again with the next one.
        Unpublishable
            If the message itself is at fault. The connection goes on.
        """

    @abstractmethod
    def set_filters(self, filters: Sequence[str]) -> None:
        """Subscribe to these topic filters, and end the subscriptions to others we have made."""

    # For the back ends

    @abstractmethod
    async def _session(self) -> None:
        """Connect, call `_opened`, serve, and raise `ConnectionEnded` or OSError at the end."""

    @abstractmethod
    async def _disconnect(self) -> None:
        """End the connection in good order, if there is one."""

    @abstractmethod
    def _resume_reading(self) -> None:
        """Read on: there is room in the inbox again."""

    def _opened(self, *, session_present: bool, redelivers: bool) -> None:
        """Note that the broker has accepted us, and whether it delivers again what we hold."""
        self._session_present = session_present
        self._connection_count += 1
        # Without its session the broker forgets what it had sent: then our copies are the last.
        dropped = self._inbox.drop_acknowledgeable() if redelivers else 0
        _log.info(
            "mqtt.connection.opened",
            client=self._broker.client_id,
            session_present=session_present,
            queued_dropped=dropped,
        )

    def _note_refused(self, refused: Sequence[str]) -> None:
        self._refused_filters = tuple(refused)
        for pattern in refused:
            _log.error("mqtt.subscription.refused", client=self._broker.client_id, filter=pattern)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        failure_count = 0
        while True:
            self._generation += 1
            began_s = loop.time()
            try:
                await self._session()
            except (ConnectionEnded, OSError) as error:
                reason = str(error) or type(error).__name__
            finally:
                self._is_connected = False
                self._unacknowledged.clear()
            if self._is_closing:
                return
            failure_count = 0 if loop.time() - began_s > _STABLE_S else failure_count + 1
            ceiling_s = min(self._broker.backoff_s_max, 0.1 * 2 ** min(failure_count, 20))
            pause_s = self._random.uniform(0, ceiling_s)
            _log.warning(
                "mqtt.connection.lost",
                client=self._broker.client_id,
                reason=reason,
                retry_s=round(pause_s, 3),
            )
            await asyncio.sleep(pause_s)

    def _on_end(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if isinstance(error, ReceiverClosed):
            self._inbox.drop_acknowledgeable()
            self._inbox.close(error)
        elif error is not None:
            closed = ReceiverClosed(f"the receiver failed: {error!r}; this is a defect, report it")
            closed.__cause__ = error
            self._inbox.close(closed)
