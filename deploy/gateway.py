"""The example gateway: it sends an outbox to the centre and forgets what the centre has receipted.

The whole protocol is four rules, and any gateway that follows them loses nothing:

1. A reading is in the outbox, on the disk, before anything is sent (`deploy.outbox`).
2. Messages are published in order, at QoS 1, with a bounded number that have no receipt yet.
3. The broker's PUBACK forgets nothing: a broker may acknowledge what it then loses or forbids.
   Only the centre's receipt, which follows its database commit, takes a message out of the outbox.
4. What has no receipt is sent again: all of it after every reconnect, and each message by itself
   when its receipt is overdue. The centre counts a repetition as a duplicate and receipts it again.

A dead broker blocks nothing: readings go on being put, and the gateway reconnects for ever with
growing, jittered pauses.
"""

import asyncio
import contextlib
import logging
import math
import ssl
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass
from secrets import SystemRandom
from typing import Any

import aiomqtt
import paho.mqtt.client as paho
import structlog

from compute.errors import NengtanError
from deploy.gateway_counters import GatewayCounters
from deploy.gateway_settings import GatewaySettings
from deploy.message import ReceiptRefused, decode_receipt
from deploy.outbox import Message, Outbox, Rejected
from deploy.outbox_file import OutboxFault
from ingest.signature import sign
from services import clock

log = structlog.get_logger()

PAUSE_S_MIN = 0.5  # before the first attempt to reconnect
POLL_S = 0.02  # how soon a put is noticed
WARNING_INTERVAL_S = 10.0  # between two warnings that receipts are missing
RECEIPT_BATCH_COUNT_MAX = 64  # receipts that share one transaction of the outbox
RESEND_DOUBLINGS_MAX = 6  # a silent centre is asked at most 64 times less often
# paho-mqtt logs each message and aiomqtt warns about pipelining; faults arrive as exceptions.
_MQTT_LOG = logging.getLogger("deploy.gateway.mqtt")
_MQTT_LOG.setLevel(logging.CRITICAL)


class ReceiptsRefused(NengtanError):
    """The broker does not let this user read the receipts of its gateway."""


class BrokerStalled(NengtanError):
    """The connection is open, but the broker acknowledges nothing."""


@dataclass(slots=True)
class _Flight:
    """A published message that has no receipt yet."""

    message: Message
    acknowledged_s: float | None = None  # None: the PUBACK is still to come
    attempt_count: int = 0


class Gateway:
    """Sends what is pending in an outbox, for as long as `run` runs.

    Parameters
    ----------
    outbox : Outbox
        Others may put into it meanwhile, from any thread.
    settings : GatewaySettings
        The broker, the address and the limits.
    """

    def __init__(self, outbox: Outbox, settings: GatewaySettings) -> None:
        self.counters = GatewayCounters()
        self._outbox = outbox
        self._settings = settings
        self._tls = (
            ssl.create_default_context(cafile=settings.tls_ca_path) if settings.tls else None
        )
        self._stopping = asyncio.Event()
        self._changed = asyncio.Event()
        self._random = SystemRandom()
        self._flights: dict[int, _Flight] = {}  # by seq, ascending
        self._flying_bytes = 0
        self._sent_seq = 0  # the last one published on this connection
        self._unacknowledged_count = 0
        self._progress_s = 0.0
        self._warned_s = -math.inf  # when missing receipts were last told
        self._tasks: set[asyncio.Task[None]] = set()  # of this connection

    def stop(self) -> None:
        """Let `run` return; what is not receipted stays in the outbox."""
        self._stopping.set()

    async def drained(self) -> None:
        """Return when the outbox is empty, that is, when everything put so far is receipted."""
        while self._outbox.pending_count:  # noqa: ASYNC110 - puts come from other threads
            await asyncio.sleep(POLL_S)

    async def run(self) -> None:
        """Connect, send and reconnect until `stop` is called."""
        pause_s = PAUSE_S_MIN
        while not self._stopping.is_set():
            published_count = self.counters.published_count
            receipted_count = self.counters.receipted_count
            try:
                await self._connection()
            except* (aiomqtt.MqttError, OSError, OutboxFault, ReceiptsRefused, BrokerStalled) as f:
                faults = _sentences(f)
            else:
                faults = []
            finally:
                self.counters.connected = False
            # Only a receipt proves that the way is whole: a message that makes the broker hang up
            # must not be tried again twice a second for ever.
            proven = self.counters.receipted_count > receipted_count
            if faults:
                if self.counters.published_count > published_count and not proven:
                    topic = self._settings.address.topic("telemetry")
                    faults.append(f"see that user {self._settings.username!r} may write {topic}")
                self._note_fault("; ".join(faults))
            pause_s = PAUSE_S_MIN if proven else min(2 * pause_s, self._settings.pause_s_max)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s * self._random.uniform(0.5, 1.0)):
                    await self._stopping.wait()

    def _note_fault(self, fault: str) -> None:
        self.counters.last_fault = fault
        log.warning(
            "gateway.connection.lost",
            broker=f"{self._settings.host}:{self._settings.port}",
            fault=fault,
            waiting=self._outbox.pending_count,
        )

    async def _connection(self) -> None:
        """Live through one connection, from CONNECT to its end."""
        client = self._client()
        try:
            await client.__aenter__()
        except aiomqtt.MqttError:
            # aiomqtt leaves the socket open when the broker does not answer CONNECT.
            client._client.disconnect()  # noqa: SLF001 - no public way
            raise
        async with contextlib.AsyncExitStack() as exits:
            exits.callback(_retrieve_disconnection, client)
            exits.push_async_exit(client.__aexit__)
            await self._subscribe(client)
            self._flights.clear()
            self._flying_bytes = self._sent_seq = self._unacknowledged_count = 0
            self.counters.connected = True
            self.counters.connection_count += 1
            self.counters.last_fault = None
            log.info("gateway.connected", waiting=self._outbox.pending_count)
            async with asyncio.TaskGroup() as group:
                self._tasks = {
                    group.create_task(self._receive(client)),
                    group.create_task(self._send(client, group)),
                    group.create_task(self._watch()),
                }
                await self._stopping.wait()
                for task in self._tasks.copy():
                    task.cancel()

    def _client(self) -> aiomqtt.Client:
        settings = self._settings
        address = settings.address
        version = aiomqtt.ProtocolVersion
        fifth = settings.protocol == "5"
        client = aiomqtt.Client(
            settings.host,
            settings.port,
            username=settings.username,
            password=settings.password,
            identifier=settings.client_id or f"{address.tenant}-{address.site}-{address.gateway}",
            protocol=version.V5 if fifth else version.V311,
            # Each connection starts clean, since everything without a receipt is sent again.
            clean_session=None if fifth else True,
            clean_start=True if fifth else paho.MQTT_CLEAN_START_FIRST_ONLY,
            timeout=settings.connect_timeout_s,
            keepalive=settings.keepalive_s,
            max_inflight_messages=settings.unacknowledged_count,
            max_concurrent_outgoing_calls=settings.unacknowledged_count,
            tls_context=self._tls,
            logger=_MQTT_LOG,
        )
        client.pending_calls_threshold = settings.unacknowledged_count
        return client

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        topic = self._settings.address.topic("receipt")
        for code in await client.subscribe(topic, qos=1):
            value = code if isinstance(code, int) else code.value
            if value >= 0x80:
                raise ReceiptsRefused(
                    f"the broker refuses user {self._settings.username!r} the receipts of {topic};"
                    " check the user name, or let the centre write its access list anew"
                )

    async def _send(self, client: aiomqtt.Client, group: asyncio.TaskGroup) -> None:
        """Publish overdue messages again and new ones while the window has room."""
        while True:
            self._changed.clear()
            batch = self._overdue()
            batch += await self._fresh()
            for flight in batch:
                flight.acknowledged_s = None
                flight.attempt_count += 1
                self._unacknowledged_count += 1
                task = group.create_task(self._publish(client, flight))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            if not batch:
                # Not wait_for: of Python 3.11 it forgets a cancellation that comes with the event,
                # and the last receipt often comes with the order to stop.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(POLL_S):
                        await self._changed.wait()

    async def _fresh(self) -> list[_Flight]:
        """Return messages that this connection has not sent yet, as many as the window takes."""
        room_count = self._settings.window_message_count - len(self._flights)
        room_bytes = self._settings.window_bytes - self._flying_bytes
        if self._sent_seq >= self._outbox.last_seq or room_count <= 0 or room_bytes <= 0:
            return []
        messages = await asyncio.to_thread(
            self._outbox.pending,
            self._sent_seq,
            limit_count=room_count,
            limit_bytes=room_bytes,
        )
        if messages:
            self._sent_seq = messages[-1].seq
        flights = [_Flight(message) for message in messages]
        self._flights.update((flight.message.seq, flight) for flight in flights)
        self._flying_bytes += sum(len(message.body) for message in messages)
        return flights

    def _overdue(self) -> list[_Flight]:
        """Return acknowledged messages whose receipt should have come, in order."""
        now_s = clock.monotonic()
        overdue = []
        for flight in self._flights.values():
            doublings = min(flight.attempt_count - 1, RESEND_DOUBLINGS_MAX)
            patience_s = self._settings.receipt_timeout_s * 2**doublings
            if flight.acknowledged_s is not None and now_s - flight.acknowledged_s > patience_s:
                overdue.append(flight)
        self.counters.resent_count += len(overdue)
        if overdue and now_s - self._warned_s > WARNING_INTERVAL_S:
            self._warned_s = now_s
            log.warning(
                "gateway.receipt.overdue",
                count=len(overdue),
                first_seq=overdue[0].message.seq,
                remedy="see that the centre runs, and that this user may publish and read receipts",
            )
        return overdue

    async def _publish(self, client: aiomqtt.Client, flight: _Flight) -> None:
        # No timeout of its own: on a thin line a full window may take minutes, and `_watch` tells
        # a slow broker from a silent one.
        topic, key = self._settings.address.topic("telemetry"), self._settings.signing_key
        body = flight.message.body
        await client.publish(
            topic,
            body if key is None else sign(key, topic, body),
            qos=1,
            timeout=math.inf,
        )
        self._progress_s = flight.acknowledged_s = clock.monotonic()
        self._unacknowledged_count -= 1
        self.counters.published_count += 1

    async def _watch(self) -> None:
        """Give the connection up when messages wait for a PUBACK and none comes."""
        patience_s = self._settings.acknowledge_timeout_s
        self._progress_s = clock.monotonic()
        while True:
            await asyncio.sleep(min(1.0, patience_s / 4))
            if not self._unacknowledged_count:
                self._progress_s = clock.monotonic()
            elif clock.monotonic() - self._progress_s > patience_s:
                raise BrokerStalled(
                    f"no PUBACK for {patience_s:g} s while {self._unacknowledged_count} messages"
                    " wait; the connection is made anew"
                )

    async def _receive(self, client: aiomqtt.Client) -> None:
        """Take receipts as they come, those of one moment in one transaction."""
        messages = client.messages
        async for message in messages:
            payloads = [message.payload]
            while len(messages) and len(payloads) < RECEIPT_BATCH_COUNT_MAX:
                payloads.append((await anext(messages)).payload)
            spans: list[tuple[int, int]] = []
            rejected: list[Rejected] = []
            for payload in payloads:
                try:
                    receipt = decode_receipt(payload)
                except ReceiptRefused as fault:
                    self.counters.unreadable_receipt_count += 1
                    log.warning("gateway.receipt.unreadable", fault=str(fault))
                    continue
                # Another epoch is another outbox of this gateway, such as that of a replay.
                if receipt.epoch == self._outbox.epoch:
                    spans += receipt.seq
                    rejected += [Rejected(row.seq, row.item, row.code) for row in receipt.rejected]
            if spans or rejected:
                await self._forget(spans, rejected)

    async def _forget(self, spans: list[tuple[int, int]], rejected: list[Rejected]) -> None:
        released = await asyncio.to_thread(
            self._outbox.receipted, spans, rejected, at_us=clock.now_us()
        )
        # By the receipt's ranges, not by what left the outbox: a message receipted between its
        # reading and its repeated sending is no longer there, but it flies.
        landed = [
            seq for seq in self._flights if any(first <= seq <= last for first, last in spans)
        ]
        landed += [item.seq for item in rejected if item.item < 0]
        for seq in landed:
            flight = self._flights.pop(seq, None)
            if flight is not None:
                self._flying_bytes -= len(flight.message.body)
        self.counters.last_receipt_s = self._progress_s = clock.monotonic()
        self.counters.receipted_count += len(released.seqs)
        self.counters.receipted_reading_count += released.reading_count
        firsts = {item.code: item for item in reversed(released.rejected)}
        counts = Counter[str]()
        for item in released.rejected:
            counts[item.code] += item.reading_count
        for code, count in counts.items():
            first = firsts[code]
            log.warning(
                "gateway.readings.rejected",
                code=code,
                count=count,
                first_seq=first.seq,
                first_item=first.item,
                first_reading=first.reading,
            )
        self.counters.rejected_reading_counts += counts
        self._changed.set()


def _retrieve_disconnection(client: aiomqtt.Client) -> None:
    """Keep asyncio from printing that nobody looked at the end of a connection; we know of it."""
    ended = client._disconnected  # noqa: SLF001 - no public way
    if ended.done() and not ended.cancelled():
        ended.exception()


def _sentences(faults: BaseExceptionGroup[Any]) -> list[str]:
    """Return what each fault says, once."""
    found: dict[str, None] = {}
    for fault in faults.exceptions:
        if isinstance(fault, BaseExceptionGroup):
            found.update(dict.fromkeys(_sentences(fault)))
        else:
            cause = "" if fault.__cause__ is None else f" ({fault.__cause__})"
            found[(str(fault) or type(fault).__name__) + cause] = None
    return list(found)


async def run(
    outbox: Outbox, settings: GatewaySettings, *, until: Coroutine[Any, Any, object] | None = None
) -> GatewayCounters:
    """Run a gateway until a coroutine is done, or for ever, and return what it has done.

    `until` is for instance the reader that fills the outbox, followed by its drain.
    """
    gateway = Gateway(outbox, settings)
    running = asyncio.create_task(gateway.run())
    awaited = {running} if until is None else {running, asyncio.ensure_future(until)}
    try:
        done, _ = await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        gateway.stop()
        await running
    return gateway.counters
