"""The receiver for MQTT 5 brokers: our own connection over the mqtt5 codec.

It costs about 1 µs a message where a client library costs 20 to 90, and it bounds what is held:
by the broker through Receive Maximum, and by itself where a broker does not keep to that.
"""

import asyncio
from collections.abc import Sequence

import mqtt5
import structlog

from ingest.mqtt.connection import Connection
from ingest.mqtt.receiver import (
    Broker,
    ConnectionEnded,
    PublishFailed,
    Receiver,
    SessionTakenOver,
    Unpublishable,
)
from ingest.reading import Delivery
from ingest.topics import check_filter

_log = structlog.get_logger()

_FLIGHT_COUNT_MAX = 1_000  # our publications that are not confirmed
_CLOSE_TIMEOUT_S = 2.0
# Reason codes from here on are failures. (The codec's codes are no IntEnum, whatever its stub
# says: they do not compare with `<`, and all of them are true. Their `value` is an int.)
_FIRST_ERROR = 0x80


class FastReceiver(Receiver):
    """One MQTT 5 session, read in blocks. See `Receiver`."""

    def __init__(self, broker: Broker, filters: Sequence[str]) -> None:
        super().__init__(broker, filters)
        self._connection: Connection | None = None
        self._answered: asyncio.Future[None] | None = None
        self._connack: mqtt5.ConnAckPacket | None = None
        self._goodbye: mqtt5.DisconnectPacket | None = None
        self._asked: dict[int, list[str]] = {}  # filters of our requests, by packet id
        self._flights: dict[int, mqtt5.PublishPacket] = {}  # ours, not confirmed, by packet id
        self._last_id = 0
        self._landed = asyncio.Event()
        self._waiting_count = 0  # publishers that wait for a confirmation or the socket

    def acknowledge(self, tokens: Sequence[int]) -> None:
        """See `Receiver`."""
        blocks = bytearray()
        for packet_id in self._take_unacknowledged(tokens):
            blocks += b"\x40\x02" + packet_id.to_bytes(2, "big")
        if blocks and self._connection is not None:
            self._connection.write(blocks)
            self._resume_reading()

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False
    ) -> None:
        """See `Receiver`."""
        connection, connack = self._connection, self._connack
        if connection is None or connack is None:
            raise PublishFailed(f"topic {topic!r}: there is no connection; it is being made again")
        level = min(qos, 1, connack.max_qos.value)
        while level and len(self._flights) >= _flight_count_max(connack):
            self._landed.clear()
            await self._wait_for(self._landed, connection, topic)
        self._write_publication(connection, connack, topic, payload, level, retain=retain)
        if not connection.writable.is_set():
            await self._wait_for(connection.writable, connection, topic)

    def set_filters(self, filters: Sequence[str]) -> None:
        """See `Receiver`."""
        wanted = [check_filter(pattern) for pattern in filters]
        gone = [pattern for pattern in self._filters if pattern not in wanted]
        new = [pattern for pattern in wanted if pattern not in self._filters]
        self._filters = wanted
        if self._connection is None or self._connack is None:
            return
        if gone:
            packet_id = self._next_id()
            self._asked[packet_id] = []
            self._connection.write(mqtt5.UnsubscribePacket(packet_id, gone).write())
        self._subscribe(self._connection, new)

    # The connection

    async def _session(self) -> None:
        loop = asyncio.get_running_loop()
        broker = self._broker
        self._connack = self._goodbye = None
        self._asked.clear()
        self._answered = loop.create_future()
        try:
            async with asyncio.timeout(broker.connect_timeout_s):
                _, connection = await loop.create_connection(
                    lambda: Connection(self._handle, packet_bytes_max=broker.packet_bytes_max),
                    broker.host,
                    broker.port,
                    ssl=broker.tls,
                )
                self._connection = connection
                connection.write(self._connect_packet().write())
                # Not for the answer to our subscriptions: of a session that stands it comes after
                # what the broker holds, which may take longer, and wants its receipts meanwhile.
                await asyncio.wait(
                    (self._answered, connection.ended), return_when=asyncio.FIRST_COMPLETED
                )
            await self._serve(connection)
        except TimeoutError as error:
            raise ConnectionEnded(
                f"{broker.host}:{broker.port} did not answer in {broker.connect_timeout_s} s"
            ) from error
        finally:
            if self._connection is not None:
                self._connection.abort("the receiver has ended the connection")
            self._connection = None
            self._landed.set()
        self._raise_end(connection.ended.result())

    async def _serve(self, connection: Connection) -> None:
        keep_alive_s = self._broker.keep_alive_s
        if self._connack is not None and self._connack.server_keep_alive:
            keep_alive_s = self._connack.server_keep_alive
        while not connection.ended.done():
            await asyncio.wait((connection.ended,), timeout=keep_alive_s / 4)
            # Looked at every quarter, a silence of 1.2 is noticed before 1.5.
            connection.watch(silence_s_max=1.2 * keep_alive_s)

    def _raise_end(self, reason: str) -> None:
        goodbye = self._goodbye
        if goodbye is None:
            raise ConnectionEnded(reason)
        code = goodbye.reason_code
        if code == mqtt5.DisconnectReasonCode.SESSION_TAKEN_OVER:
            _log.warning("mqtt.session.taken_over", client=self._broker.client_id)
            if self._broker.stops_on_takeover:
                raise SessionTakenOver(
                    f"client id {self._broker.client_id!r} is used elsewhere; run it once only"
                )
        raise ConnectionEnded(f"the broker said {code.name} {goodbye.reason_str or ''}".strip())

    async def _disconnect(self) -> None:
        connection = self._connection
        if connection is not None:
            connection.write(mqtt5.DisconnectPacket().write())
            connection.close()
            await asyncio.wait((connection.ended,), timeout=_CLOSE_TIMEOUT_S)

    def _resume_reading(self) -> None:
        if self._connection is not None and self._connection.is_paused and self._may_read():
            self._connection.resume()

    def _may_read(self) -> bool:
        # A publisher waits for a confirmation that stands behind deliveries: so these are read.
        return self._waiting_count > 0 or (
            self._inbox.is_half_free and len(self._unacknowledged) <= self._broker.receive_max
        )

    # Packets in

    def _handle(self, packet: mqtt5.Packet) -> bool:
        if type(packet) is mqtt5.PublishPacket:
            return self._on_publish(packet)
        if isinstance(packet, mqtt5.ConnAckPacket):
            self._on_connack(packet)
        elif isinstance(packet, mqtt5.PubAckPacket):
            self._on_puback(packet)
        elif isinstance(packet, mqtt5.SubAckPacket | mqtt5.UnsubAckPacket):
            self._on_answer(packet)
        elif isinstance(packet, mqtt5.DisconnectPacket):
            self._goodbye = packet
            raise ConnectionEnded("the broker said goodbye")
        elif not isinstance(packet, mqtt5.PingRespPacket):
            raise ConnectionEnded(f"{type(packet).__name__} must not come here")
        return True

    def _on_publish(self, packet: mqtt5.PublishPacket) -> bool:
        packet_id, qos, topic = packet.packet_id, packet.qos.value, packet.topic
        if self._connack is None or qos > 1 or packet_id == 0 or not topic:
            raise ConnectionEnded("a message of a kind that was not asked for")
        token = 0
        if packet_id is not None:
            token = self._note_arrival(packet_id)
        self._inbox.put(Delivery(topic, packet.payload, token, qos, packet.retain))
        return self._waiting_count > 0 or not (
            self._inbox.is_full or len(self._unacknowledged) > self._broker.receive_max
        )

    def _on_connack(self, packet: mqtt5.ConnAckPacket) -> None:
        if packet.reason_code.value >= _FIRST_ERROR:
            text = f"{packet.reason_code.name} {packet.reason_str or ''}".strip()
            raise ConnectionEnded(f"the broker refused the connection: {text}")
        if self._connack is not None or self._connection is None:
            raise ConnectionEnded("a second CONNACK")
        self._connack = packet
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(None)
        self._opened(session_present=packet.session_present, redelivers=packet.session_present)
        self._send_flights_again(self._connection, packet)
        self._subscribe(self._connection, self._filters)

    def _on_answer(self, packet: mqtt5.SubAckPacket | mqtt5.UnsubAckPacket) -> None:
        asked = self._asked.pop(packet.packet_id, None)
        if asked is None:
            raise ConnectionEnded("an answer to no question of ours")
        if isinstance(packet, mqtt5.SubAckPacket):
            answers = zip(asked, packet.reason_codes, strict=False)
            self._note_refused([pattern for pattern, code in answers if code.value >= _FIRST_ERROR])
            self._is_connected = True

    def _on_puback(self, packet: mqtt5.PubAckPacket) -> None:
        flight = self._flights.pop(packet.packet_id, None)
        self._landed.set()
        if flight is not None and packet.reason_code.value >= _FIRST_ERROR:
            _log.warning(
                "mqtt.publication.refused", topic=flight.topic, reason=packet.reason_code.name
            )

    # Packets out

    def _connect_packet(self) -> mqtt5.ConnectPacket:
        broker = self._broker
        return mqtt5.ConnectPacket(
            broker.client_id,
            username=broker.username,
            password=None if broker.password is None else broker.password.encode(),
            clean_start=False,
            keep_alive=broker.keep_alive_s,
            session_expiry_interval=broker.session_expiry_s,
            receive_max=broker.receive_max,
            max_packet_size=broker.packet_bytes_max,
        )

    def _subscribe(self, connection: Connection, patterns: Sequence[str]) -> None:
        if not patterns:
            self._is_connected = True
            return
        packet_id = self._next_id()
        self._asked[packet_id] = list(patterns)
        topic_filters = [
            mqtt5.TopicFilter(
                pattern,
                max_qos=mqtt5.QoS.AT_LEAST_ONCE,
                no_local=True,
                retain_as_published=False,  # so that the mark means: the broker's old copy
                retain_handling=mqtt5.RetainHandling.SEND_IF_SUBSCRIPTION_NOT_EXISTS,
            )
            for pattern in patterns
        ]
        connection.write(mqtt5.SubscribePacket(packet_id, topic_filters).write())

    def _send_flights_again(self, connection: Connection, connack: mqtt5.ConnAckPacket) -> None:
        """Repeat what the last connection left unconfirmed, as far as the broker allows."""
        packets = list(self._flights.values())
        room = _flight_count_max(connack)
        for packet in packets[room:]:
            self._flights.pop(packet.packet_id or 0)
        if packets[room:]:
            _log.warning("mqtt.publication.dropped", count=len(packets) - room)
        for packet in packets[:room]:
            connection.write(
                mqtt5.PublishPacket(
                    packet.topic,
                    packet.payload,
                    qos=packet.qos,
                    retain=packet.retain,
                    packet_id=packet.packet_id,
                    duplicate=connack.session_present,
                ).write()
            )

    def _write_publication(
        self,
        connection: Connection,
        connack: mqtt5.ConnAckPacket,
        topic: str,
        payload: bytes,
        level: int,
        *,
        retain: bool,
    ) -> None:
        try:
            packet = mqtt5.PublishPacket(
                topic,
                payload,
                qos=mqtt5.QoS(level),
                retain=retain and connack.retain_available,
                packet_id=self._next_id() if level else None,
            )
            data = packet.write()
        except ValueError as error:
            raise Unpublishable(f"topic {topic[:200]!r}: {error}; correct it") from error
        if connack.max_packet_size is not None and len(data) > connack.max_packet_size:
            raise Unpublishable(
                f"topic {topic!r}: {len(data)} bytes are more than the broker takes,"
                f" {connack.max_packet_size}; split it"
            )
        if packet.packet_id is not None:
            self._flights[packet.packet_id] = packet
        connection.write(data)

    async def _wait_for(self, event: asyncio.Event, connection: Connection, topic: str) -> None:
        """Wait for an event that reading brings, so read on meanwhile whatever is full."""
        self._waiting_count += 1
        try:
            self._resume_reading()
            async with asyncio.timeout(self._broker.publish_timeout_s):
                await event.wait()
        except TimeoutError as error:
            connection.abort("the broker takes no publication")
            raise PublishFailed(
                f"topic {topic!r}: not written in {self._broker.publish_timeout_s} s"
            ) from error
        finally:
            self._waiting_count -= 1
        if connection.ended.done():
            raise PublishFailed(f"the connection ended: {connection.ended.result()}")

    def _next_id(self) -> int:
        while True:
            self._last_id = self._last_id % 65_535 + 1
            if self._last_id not in self._flights and self._last_id not in self._asked:
                return self._last_id


def _flight_count_max(connack: mqtt5.ConnAckPacket) -> int:
    return min(connack.receive_max, _FLIGHT_COUNT_MAX)
