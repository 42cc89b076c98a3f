"""The receiver for MQTT 3.1.1 brokers, such as the demo's: aiomqtt, acknowledging by hand.

aiomqtt 2.5 has no manual acknowledgement of its own. The paho client inside has, and this module
alone reaches for it; the parts it needs are checked before the first connect. MQTT 3.1.1 has no
Receive Maximum, so only the queue here bounds what is held.

amqtt 0.12 gives up a message that is not acknowledged within 5 s, or by the time the connection
ends. With it, only a gateway that waits for receipts loses nothing.
"""

import asyncio
import contextlib
import importlib.metadata
import logging
import socket
from collections.abc import Sequence
from typing import Any, Final

import aiomqtt
import paho.mqtt.client as paho
import structlog

from compute.errors import NengtanError
from ingest.mqtt.receiver import Broker, ConnectionEnded, PublishFailed, Receiver, Unpublishable
from ingest.reading import Delivery
from ingest.topics import check_filter

_log = structlog.get_logger()

SUPPORTED = "2.5."  # of aiomqtt: another minor version may arrange its private parts otherwise
_PRIVATE_PARTS = ("_client", "_disconnected", "_on_connect")
_PAHO_PARTS = ("ack", "manual_ack_set", "loop_read", "publish", "subscribe", "socket")
_FLIGHT_COUNT_MAX = 1_000
_RETRY_S = 0.01
_REFUSED: Final = 0x80
# paho logs each packet; its faults arrive here as the end of the connection.
_MQTT_LOG = logging.getLogger("ingest.mqtt.aiomqtt")
_MQTT_LOG.setLevel(logging.CRITICAL)


class AiomqttUnsupported(NengtanError):
    """The installed aiomqtt is not one whose private parts this module knows."""


class AiomqttReceiver(Receiver):
    """One MQTT 3.1.1 session through aiomqtt. See `Receiver`."""

    def __init__(self, broker: Broker, filters: Sequence[str]) -> None:
        version = importlib.metadata.version("aiomqtt")
        if not version.startswith(SUPPORTED):
            raise AiomqttUnsupported(
                f"aiomqtt {version}: acknowledging by hand is known for {SUPPORTED}x; install that"
            )
        super().__init__(broker, filters)
        self._client: aiomqtt.Client | None = None
        self._paho: paho.Client | None = None
        self._is_reading = False

    def acknowledge(self, tokens: Sequence[int]) -> None:
        """See `Receiver`."""
        for packet_id in self._take_unacknowledged(tokens):
            if self._paho is not None:
                self._paho.ack(packet_id, 1)

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> None:
        """See `Receiver`."""
        client = self._client
        try:
            async with asyncio.timeout(self._broker.publish_timeout_s):
                while True:
                    if client is None or self._paho is None or self._client is not client:
                        raise PublishFailed(f"topic {topic!r}: there is no connection")
                    told = self._paho.publish(topic, payload, qos=min(qos, 1), retain=retain)
                    if told.rc == paho.MQTT_ERR_SUCCESS:
                        return
                    if told.rc != paho.MQTT_ERR_QUEUE_SIZE:
                        raise PublishFailed(f"topic {topic!r}: {paho.error_string(told.rc)}")
                    # Too many are not confirmed; the confirmations have to be read.
                    self._read()
                    await asyncio.sleep(_RETRY_S)
        except ValueError as error:
            raise Unpublishable(f"topic {topic[:200]!r}: {error}; correct it") from error
        except TimeoutError as error:
            self._end("the broker takes no publication")
            raise PublishFailed(
                f"topic {topic!r}: not written in {self._broker.publish_timeout_s} s"
            ) from error

    def set_filters(self, filters: Sequence[str]) -> None:
        """See `Receiver`."""
        wanted = [check_filter(pattern) for pattern in filters]
        gone = [pattern for pattern in self._filters if pattern not in wanted]
        new = [pattern for pattern in wanted if pattern not in self._filters]
        self._filters = wanted
        if self._paho is not None:
            if gone:
                self._paho.unsubscribe(gone)
            if new:
                self._paho.subscribe([(pattern, 1) for pattern in new])

    # The connection

    async def _session(self) -> None:
        broker = self._broker
        client = aiomqtt.Client(
            broker.host,
            broker.port,
            username=broker.username,
            password=broker.password,
            identifier=broker.client_id,
            clean_session=False,
            tls_context=broker.tls,
            timeout=broker.connect_timeout_s,
            # paho gives up a silent peer after twice its keep-alive: 1.5 times ours.
            keepalive=max(1, int(broker.keep_alive_s * 0.75)),
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
            max_inflight_messages=_FLIGHT_COUNT_MAX,
            max_queued_outgoing_messages=_FLIGHT_COUNT_MAX,
            logger=_MQTT_LOG,
        )
        inner = self._prepare(client)
        try:
            async with client:
                self._client, self._paho = client, inner
                self._listen()
                await self._subscribe(client)
                self._is_connected = True
                ended: asyncio.Future[None] = client._disconnected  # noqa: SLF001 - see above
                await asyncio.wait((ended,))
                error = ended.exception()
                raise ConnectionEnded(str(error) if error else "the connection was closed")
        except aiomqtt.MqttError as error:
            raise ConnectionEnded(str(error)) from error
        finally:
            self._client = self._paho = None
            self._is_reading = False
            # After an error in reading paho still holds its socket.
            with contextlib.suppress(OSError):
                inner._sock_close()  # noqa: SLF001 - see above

    def _prepare(self, client: aiomqtt.Client) -> paho.Client:
        """Return the paho client, set to leave acknowledging to us."""
        missing = [part for part in _PRIVATE_PARTS if not hasattr(client, part)]
        inner = getattr(client, "_client", None)
        missing += [part for part in _PAHO_PARTS if not hasattr(inner, part)]
        if missing or not isinstance(inner, paho.Client):
            raise AiomqttUnsupported(
                f"aiomqtt lacks {', '.join(missing)}; install {SUPPORTED}x with its own paho-mqtt"
            )
        inner.manual_ack_set(True)
        inner.on_message = self._on_message

        def on_connect(
            paho_client: paho.Client,
            userdata: object,
            flags: paho.ConnectFlags,
            reason_code: Any,  # noqa: ANN401 - paho's callbacks are typed by version
            properties: Any = None,  # noqa: ANN401 - as above
        ) -> None:
            if not reason_code.is_failure:
                # amqtt 0.12 forgets what it had sent, so our copies are kept; where a broker does
                # deliver again, they count as duplicates.
                self._opened(session_present=flags.session_present, redelivers=False)
            client._on_connect(paho_client, userdata, flags, reason_code, properties)  # noqa: SLF001

        inner.on_connect = on_connect
        return inner

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        asked = self._filters  # others may be set while the broker answers
        if not asked:
            return
        granted = await client.subscribe([(pattern, 1) for pattern in asked])
        codes = [code if isinstance(code, int) else code.value for code in granted]
        self._note_refused([p for p, code in zip(asked, codes, strict=False) if code >= _REFUSED])

    async def _disconnect(self) -> None:
        client = self._client
        if client is not None and self._paho is not None:
            self._paho.disconnect()
            await asyncio.wait((client._disconnected,), timeout=2.0)  # noqa: SLF001 - see above

    def _end(self, reason: str) -> None:
        """End the connection at once."""
        ended = None if self._client is None else self._client._disconnected  # noqa: SLF001
        if ended is not None and not ended.done():
            ended.set_exception(ConnectionEnded(reason))

    # Reading

    def _listen(self) -> None:
        """Read the socket through `_read`, in place of aiomqtt's own reader."""
        held = None if self._paho is None else self._paho.socket()
        if held is not None and not self._is_reading:
            self._is_reading = True
            loop = asyncio.get_running_loop()
            loop.add_reader(held.fileno(), self._read)
            loop.call_soon(self._read)  # what a TLS socket holds wakes nobody

    def _read(self) -> None:
        """Read one packet, and those that a TLS socket holds already."""
        while self._paho is not None and (held := self._paho.socket()) is not None:
            try:
                self._paho.loop_read()
            except Exception as error:  # noqa: BLE001 - whatever it is, this connection is over
                self._end(f"reading failed: {error!r}")
                return
            pending = getattr(held, "pending", None)
            if self._inbox.is_full and self._is_reading:
                self._is_reading = False
                asyncio.get_running_loop().remove_reader(held.fileno())
                return
            if pending is None or not pending():
                return

    def _resume_reading(self) -> None:
        if not self._is_reading and self._inbox.is_half_free:
            self._listen()

    def _on_message(self, _client: object, _userdata: object, message: paho.MQTTMessage) -> None:
        # A topic that is no text reaches quarantine under a name that says so.
        topic = message._topic.decode(errors="backslashreplace")  # noqa: SLF001 - `topic` raises
        token = 0
        if message.qos:
            token = self._note_arrival(message.mid)
        self._inbox.put(Delivery(topic, bytes(message.payload), token, message.qos, message.retain))
