"""Receivers against a broker that misbehaves on purpose. A real one is in tests/integration."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import mqtt5
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from ingest.mqtt import (
    AiomqttReceiver,
    AiomqttUnsupported,
    Broker,
    FastReceiver,
    PublishFailed,
    Receiver,
    ReceiverClosed,
    SessionTakenOver,
    Unpublishable,
    receiver,
)
from ingest.mqtt.inbox import Inbox
from ingest.reading import Delivery
from ingest.topics import BadFilter


def delivery(number: int = 1, size: int = 1, token: int = 1) -> Delivery:
    return Delivery(f"t{number}", b"x" * size, token, 1, retained=False)


async def until(condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - what is watched has no event of its own
            await asyncio.sleep(0.005)


class TestInbox:
    def make(self, **limits: int) -> tuple[Inbox, list[int]]:
        room: list[int] = []
        limits = {"count_max": 10, "bytes_max": 1000, **limits}
        return Inbox(**limits, on_room=lambda: room.append(1)), room

    async def test_gives_what_there_is_when_the_wait_is_over(self) -> None:
        inbox, _ = self.make()
        start = time.perf_counter()
        inbox.put(delivery(1))
        assert len(await inbox.batch(count_max=5, wait_s=0.05)) == 1
        assert 0.04 < time.perf_counter() - start < 0.5

    async def test_counts_the_wait_from_the_first_delivery(self) -> None:
        inbox, _ = self.make()
        inbox.put(delivery(1))
        await asyncio.sleep(0.6)
        start = time.perf_counter()
        await inbox.batch(count_max=5, wait_s=0.5)
        assert time.perf_counter() - start < 0.3

    async def test_gives_at_once_when_enough_is_there(self) -> None:
        inbox, _ = self.make()
        task = asyncio.create_task(inbox.batch(count_max=3, wait_s=60))
        for number in range(4):
            await asyncio.sleep(0)
            inbox.put(delivery(number))
        assert [one.topic for one in await task] == ["t0", "t1", "t2"]
        assert len(inbox) == 1

    @given(st.lists(st.integers(0, 4), max_size=40), st.integers(1, 12), st.integers(1, 60))
    async def test_gives_each_topic_its_share_in_its_order_and_loses_none(
        self, topics: list[int], count_max: int, bytes_max: int
    ) -> None:
        inbox, _ = self.make(count_max=100)
        put = [delivery(topic, token=number + 1) for number, topic in enumerate(topics)]
        for one in put:
            inbox.put(one)
        got: list[Delivery] = []
        while len(inbox):
            batch = await inbox.batch(count_max=count_max, bytes_max=bytes_max, wait_s=0)
            assert 1 <= len(batch) <= count_max
            # Beyond the bytes there is at most the last one.
            assert sum(len(one.topic) + 1 for one in batch[:-1]) < bytes_max
            got += batch
        assert inbox.bytes == 0
        for topic in set(topics):
            name = f"t{topic}"
            assert [one for one in got if one.topic == name] == [
                one for one in put if one.topic == name
            ]

    async def test_lets_no_backlog_hold_up_the_others(self) -> None:
        inbox, _ = self.make(count_max=1000, bytes_max=1 << 20)
        for number in range(500):
            inbox.put(delivery(1, token=number + 1))
        inbox.put(delivery(2))
        inbox.put(delivery(3))
        for limits in ({"count_max": 10}, {"count_max": 100, "bytes_max": 30}):
            batch = await inbox.batch(wait_s=0, **limits)
            assert {one.topic for one in batch} == {"t1", "t2", "t3"}
            assert len(batch) == 10
            inbox.put(delivery(2))
            inbox.put(delivery(3))

    async def test_does_not_wait_for_more_than_it_can_hold(self) -> None:
        inbox, _ = self.make(count_max=2)
        inbox.put(delivery(1))
        inbox.put(delivery(2))
        async with asyncio.timeout(1):
            assert len(await inbox.batch(count_max=100, wait_s=60)) == 2

    async def test_says_when_half_is_free_again(self) -> None:
        inbox, room = self.make(bytes_max=100)
        for number in range(3):
            inbox.put(delivery(number, size=40))
        assert inbox.is_full
        await inbox.batch(count_max=1, wait_s=0)
        assert (inbox.is_full, room) == (False, [])
        await inbox.batch(count_max=1, wait_s=0)
        assert (inbox.is_half_free, room) == (True, [1])
        assert inbox.bytes == 42

    async def test_loses_nothing_when_cancelled(self) -> None:
        inbox, _ = self.make()
        task = asyncio.create_task(inbox.batch(count_max=5, wait_s=60))
        await asyncio.sleep(0)
        inbox.put(delivery(1))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(await inbox.batch(count_max=5, wait_s=0)) == 1

    async def test_forgets_only_what_the_broker_redelivers(self) -> None:
        inbox, _ = self.make()
        inbox.put(delivery(1, token=0))
        inbox.put(delivery(2, token=65_537))
        assert inbox.drop_acknowledgeable() == 1
        assert [one.topic for one in await inbox.batch(count_max=5, wait_s=0)] == ["t1"]
        assert inbox.bytes == 0

    async def test_is_emptied_before_it_says_that_it_is_closed(self) -> None:
        inbox, _ = self.make()
        inbox.put(delivery(1))
        inbox.close(ReceiverClosed("over"))
        assert len(await inbox.batch(count_max=5, wait_s=60)) == 1
        with pytest.raises(ReceiverClosed, match="over"):
            await inbox.batch(count_max=5, wait_s=60)

    async def test_wakes_a_waiting_consumer_when_closed(self) -> None:
        inbox, _ = self.make()
        task = asyncio.create_task(inbox.batch(count_max=5, wait_s=60))
        await asyncio.sleep(0)
        inbox.close(ReceiverClosed("over"))
        with pytest.raises(ReceiverClosed):
            await task

    async def test_has_one_consumer(self) -> None:
        inbox, _ = self.make()
        task = asyncio.create_task(inbox.batch(count_max=5, wait_s=60))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="one consumer"):
            await inbox.batch(count_max=5, wait_s=60)
        task.cancel()


@dataclass
class ScriptedBroker:
    """A broker that answers as it is told, and remembers what it was sent."""

    connack: mqtt5.ConnAckPacket = field(default_factory=mqtt5.ConnAckPacket)
    is_silent: bool = False
    suback: mqtt5.SubAckReasonCode = field(
        default_factory=lambda: mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE
    )
    acknowledges: bool = True
    confirms: bool = True  # subscriptions
    port: int = 0
    packets: list[Any] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    connection_count: int = 0
    received_bytes: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        self.connection_count += 1
        held = b""
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65_536):
                held += data
                self.received_bytes += len(data)
                while held:
                    try:
                        packet, length = mqtt5.read(memoryview(held))
                    except IndexError:
                        break
                    held = held[length:]
                    self.packets.append(packet)
                    self.answer(packet, writer)
        writer.close()

    def answer(self, packet: object, writer: asyncio.StreamWriter) -> None:
        if self.is_silent:
            return
        if isinstance(packet, mqtt5.ConnectPacket):
            writer.write(self.connack.write())
        elif isinstance(packet, mqtt5.SubscribePacket) and self.confirms:
            codes = [self.suback] * len(packet.topic_filters)
            writer.write(mqtt5.SubAckPacket(packet.packet_id, codes).write())
        elif isinstance(packet, mqtt5.UnsubscribePacket):
            codes_ = [mqtt5.UnsubAckReasonCode.SUCCESS] * len(packet.patterns)
            writer.write(mqtt5.UnsubAckPacket(packet.packet_id, codes_).write())
        elif isinstance(packet, mqtt5.PingReqPacket):
            writer.write(mqtt5.PingRespPacket().write())
        elif isinstance(packet, mqtt5.PublishPacket) and packet.packet_id and self.acknowledges:
            writer.write(mqtt5.PubAckPacket(packet.packet_id).write())

    def send(self, *packets: Any) -> None:
        self.writers[-1].write(b"".join(packet.write() for packet in packets))

    def sent(self, kind: type) -> list[Any]:
        return [packet for packet in self.packets if type(packet) is kind]

    def settings(self, **changes: Any) -> Broker:
        defaults: dict[str, Any] = {"backoff_s_max": 0.05, "connect_timeout_s": 2.0}
        return Broker(host="127.0.0.1", port=self.port, client_id="c", **(defaults | changes))


def message(number: int, payload: bytes = b"x", **fields: Any) -> mqtt5.PublishPacket:
    fields = {"qos": mqtt5.QoS.AT_LEAST_ONCE, "packet_id": number} | fields
    return mqtt5.PublishPacket(f"t/{number}", payload, **fields)


@pytest.fixture
async def broker() -> AsyncIterator[ScriptedBroker]:
    scripted = ScriptedBroker()
    server = await asyncio.start_server(scripted.serve, "127.0.0.1", 0)
    scripted.port = server.sockets[0].getsockname()[1]
    yield scripted
    for writer in scripted.writers:
        writer.close()
    server.close()
    await server.wait_closed()
    await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def opened(broker: ScriptedBroker, **changes: Any) -> AsyncIterator[FastReceiver]:
    async with FastReceiver(broker.settings(**changes), ["t/#"]) as fast:
        await until(lambda: fast.connected)
        yield fast


class TestFastReceiver:
    async def test_connects_with_a_session_that_never_expires(self, broker: ScriptedBroker) -> None:
        async with opened(broker, username="u", password="p") as fast:
            connect = broker.sent(mqtt5.ConnectPacket)[0]
            subscribe = broker.sent(mqtt5.SubscribePacket)[0]
            transport = fast._connection._transport if fast._connection else None
            assert transport is not None
            held = transport.get_extra_info("socket")
            assert held.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert (connect.client_id, connect.username, connect.password) == ("c", "u", b"p")
        assert (connect.clean_start, connect.session_expiry_interval) == (False, 0xFFFF_FFFF)
        assert (connect.receive_max, connect.keep_alive) == (2_000, 30)
        assert connect.max_packet_size == 1_052_672
        assert connect.topic_alias_max == 0
        wanted = subscribe.topic_filters[0]
        assert (wanted.pattern, wanted.max_qos) == ("t/#", mqtt5.QoS.AT_LEAST_ONCE)
        assert (wanted.no_local, wanted.retain_as_published) == (True, False)
        assert wanted.retain_handling == mqtt5.RetainHandling.SEND_IF_SUBSCRIPTION_NOT_EXISTS
        assert broker.sent(mqtt5.DisconnectPacket)[0].session_expiry_interval is None

    async def test_reads_packets_that_come_byte_by_byte(self, broker: ScriptedBroker) -> None:
        async with opened(broker) as fast:
            for byte in message(7, b"hello" * 50).write():
                broker.writers[-1].write(bytes([byte]))
                await broker.writers[-1].drain()
                await asyncio.sleep(0)
            (one,) = await fast.batch(count_max=1, wait_s=0)
        assert (one.topic, one.payload, one.qos) == ("t/7", b"hello" * 50, 1)
        assert one.token == 1 << 16 | 7

    async def test_reads_many_packets_in_one_piece_and_one_in_many(
        self, broker: ScriptedBroker
    ) -> None:
        sizes = [0, 1, 127, 128, 16_383, 300_000, 16_384, 1_000_000, 3, *range(2000)]
        async with opened(broker, receive_max=65_535) as fast:
            packets = [message(i + 1, b"x" * size) for i, size in enumerate(sizes)]
            broker.send(*packets)
            got: list[Delivery] = []
            while len(got) < len(sizes):
                got += await fast.batch(count_max=500, wait_s=0.01)
        assert [len(one.payload) for one in got] == sizes
        assert [one.token & 0xFFFF for one in got] == list(range(1, len(sizes) + 1))

    async def test_gives_qos_0_no_token_and_marks_what_is_retained(
        self, broker: ScriptedBroker
    ) -> None:
        async with opened(broker) as fast:
            broker.send(message(1, qos=mqtt5.QoS.AT_MOST_ONCE, packet_id=None, retain=True))
            (one,) = await fast.batch(count_max=1, wait_s=0)
            fast.acknowledge([one.token])
            assert fast.unacknowledged_count == 0
        assert (one.token, one.qos, one.retained) == (0, 0, True)
        assert broker.sent(mqtt5.PubAckPacket) == []

    async def test_acknowledges_what_it_is_told_and_nothing_else(
        self, broker: ScriptedBroker
    ) -> None:
        async with opened(broker) as fast:
            broker.send(*(message(number) for number in (3, 1, 2, 65_535)))
            got = await fast.batch(count_max=4, wait_s=1)
            assert fast.unacknowledged_count == 4
            await asyncio.sleep(0.02)
            assert broker.sent(mqtt5.PubAckPacket) == []
            fast.acknowledge([one.token for one in got if one.topic != "t/1"])
            fast.acknowledge([got[0].token, 0, -1, 5, 2 << 16 | 1])
            await until(lambda: len(broker.sent(mqtt5.PubAckPacket)) == 3)
            assert fast.unacknowledged_count == 1
        assert [p.packet_id for p in broker.sent(mqtt5.PubAckPacket)] == [3, 2, 65_535]

    async def test_ignores_tokens_of_an_earlier_connection(self, broker: ScriptedBroker) -> None:
        async with opened(broker) as fast:
            broker.send(message(1))
            (old,) = await fast.batch(count_max=1, wait_s=0)
            broker.writers[-1].close()
            await until(lambda: fast.reconnect_count == 1 and fast.connected)
            broker.send(message(1, duplicate=True))
            (new,) = await fast.batch(count_max=1, wait_s=0)
            fast.acknowledge([old.token])
            assert fast.unacknowledged_count == 1
            fast.acknowledge([new.token])
            assert fast.unacknowledged_count == 0

    @pytest.mark.parametrize(("session_present", "count"), [(True, 1), (False, 2)])
    async def test_forgets_unfetched_messages_only_if_they_come_again(
        self, broker: ScriptedBroker, *, session_present: bool, count: int
    ) -> None:
        async with opened(broker) as fast:
            lossy = message(9, qos=mqtt5.QoS.AT_MOST_ONCE, packet_id=None)
            broker.send(message(1), lossy)
            await until(lambda: fast.queued_count == 2)
            broker.connack = mqtt5.ConnAckPacket(session_present=session_present)
            broker.writers[-1].close()
            await until(lambda: fast.reconnect_count == 1 and fast.connected)
            assert fast.queued_count == count
            assert fast.session_present is session_present

    @pytest.mark.parametrize(
        "data",
        [
            b"\x00\x00",
            b"\x36\x06\x00\x01a\x00\x01\x00",
            b"\x32\x06\x00\x05a\x00\x01\x00",
            b"\x32\x06\x00\x01a\x00\x00\x00",
            b"\x34\x06\x00\x01a\x00\x01\x00",
            b"\x30\x03\x00\x00\x00",
            b"\x30\xff\xff\xff\xff\x01",
            b"\x30\xff\xff\xff\x7f",
            pytest.param(
                b"\x32\x06\x00\x01\xff\x00\x01\x00",
                marks=pytest.mark.filterwarnings(  # the codec panics, which Python cannot raise
                    "ignore::pytest.PytestUnraisableExceptionWarning"
                ),
            ),
            b"\x90\x04\x77\x77\x00\x01",
            mqtt5.ConnAckPacket().write(),
            mqtt5.SubscribePacket(1, [mqtt5.TopicFilter("a")]).write(),
            message(1, b"x" * 2_000_000).write(),
        ],
        ids=lambda data: data[:8].hex(),
    )
    async def test_connects_again_after_a_packet_that_must_not_come(
        self, broker: ScriptedBroker, data: bytes
    ) -> None:
        async with opened(broker) as fast:
            broker.writers[-1].write(data)
            await until(lambda: fast.reconnect_count >= 1 and fast.connected)
            broker.send(message(5))
            (one,) = await fast.batch(count_max=1, wait_s=0)
            assert one.topic == "t/5"

    async def test_waits_for_a_broker_that_is_away(self, broker: ScriptedBroker) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        settings = Broker(host="127.0.0.1", port=port, client_id="c", backoff_s_max=0.05)
        async with FastReceiver(settings, ["t"]) as fast:
            await asyncio.sleep(0.1)
            assert not fast.connected
            with pytest.raises(PublishFailed, match="no connection"):
                await fast.publish("t", b"x")
            server = await asyncio.start_server(broker.serve, "127.0.0.1", port)
            await until(lambda: fast.connected)
            assert fast.reconnect_count == 0
            await fast.close()
            server.close()

    async def test_goes_on_trying_when_refused_and_says_why(self, broker: ScriptedBroker) -> None:
        refused = mqtt5.ConnAckReasonCode.BAD_USER_NAME_OR_PASSWORD
        broker.connack = mqtt5.ConnAckPacket(reason_code=refused)
        with capture_logs() as logs:
            async with FastReceiver(broker.settings(password="secret"), ["t"]) as fast:
                await until(lambda: broker.connection_count >= 3)
                broker.connack = mqtt5.ConnAckPacket()
                await until(lambda: fast.connected)
        lost = [log for log in logs if log["event"] == "mqtt.connection.lost"]
        assert "BAD_USER_NAME_OR_PASSWORD" in lost[0]["reason"]
        assert "secret" not in str(logs)
        assert "secret" not in repr(broker.settings(password="secret"))

    async def test_names_the_filters_it_is_refused(self, broker: ScriptedBroker) -> None:
        broker.suback = mqtt5.SubAckReasonCode.NOT_AUTHORIZED
        with capture_logs() as logs:
            async with opened(broker) as fast:
                assert fast.refused_filters == ("t/#",)
        assert any(log["event"] == "mqtt.subscription.refused" for log in logs)

    async def test_changes_its_filters_while_connected(self, broker: ScriptedBroker) -> None:
        async with opened(broker) as fast:
            fast.set_filters(["a", "b"])
            fast.set_filters(["b"])
            await until(lambda: len(broker.sent(mqtt5.UnsubscribePacket)) == 2)
            await until(lambda: not fast._asked)
            assert [p.patterns for p in broker.sent(mqtt5.UnsubscribePacket)] == [["t/#"], ["a"]]
            with pytest.raises(BadFilter):
                fast.set_filters(["$share/g/a"])

    async def test_notices_a_dead_peer(self, broker: ScriptedBroker) -> None:
        async with opened(broker, keep_alive_s=2) as fast:
            await until(lambda: len(broker.sent(mqtt5.PingReqPacket)) >= 5)
            assert fast.reconnect_count == 0
            broker.is_silent = True
            start = time.perf_counter()
            await until(lambda: not fast.connected)
            assert time.perf_counter() - start < 3.6

    async def test_gives_up_a_broker_that_accepts_and_says_nothing(
        self, broker: ScriptedBroker
    ) -> None:
        broker.is_silent = True
        settings = broker.settings(connect_timeout_s=0.1)
        async with FastReceiver(settings, ["t"]):
            await until(lambda: broker.connection_count >= 2)
        assert broker.connection_count >= 2

    async def test_comes_back_after_a_takeover_or_stops_as_it_is_told(
        self, broker: ScriptedBroker
    ) -> None:
        goodbye = mqtt5.DisconnectPacket(reason_code=mqtt5.DisconnectReasonCode.SESSION_TAKEN_OVER)
        with capture_logs() as logs:
            async with opened(broker) as fast:
                broker.send(goodbye)
                await until(lambda: fast.reconnect_count == 1)
            async with opened(broker, stops_on_takeover=True) as fast:
                broker.send(message(1), goodbye)
                assert fast._task is not None
                await asyncio.wait([fast._task])
                with pytest.raises(SessionTakenOver, match="used elsewhere"):
                    await fast.batch(count_max=1, wait_s=0)
        assert sum(log["event"] == "mqtt.session.taken_over" for log in logs) == 2

    async def test_says_so_when_it_fails_by_its_own_defect(
        self, broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def fail(_: object) -> None:
            raise KeyError("planted")

        monkeypatch.setattr(FastReceiver, "_session", fail)
        async with FastReceiver(broker.settings(), ["t"]) as fast:
            with pytest.raises(ReceiverClosed, match="planted"):
                await fast.batch(count_max=1, wait_s=0)

    async def test_closes_without_a_word_of_loss(self, broker: ScriptedBroker) -> None:
        with capture_logs() as logs:
            async with opened(broker) as fast:
                task = asyncio.create_task(fast.batch(count_max=1, wait_s=0))
                await asyncio.sleep(0.01)
            with pytest.raises(ReceiverClosed):
                await task
        assert [log["event"] for log in logs] == ["mqtt.connection.opened"]


class TestBackPressure:
    async def test_stops_reading_at_its_limits_and_goes_on_below_half(
        self, broker: ScriptedBroker
    ) -> None:
        lossy = mqtt5.PublishPacket("t", b"x" * 1000).write()
        async with opened(broker, queue_count_max=100, queue_bytes_max=50_000) as fast:
            writer = broker.writers[-1]
            writer.write(lossy * 20_000)
            await until(lambda: fast.queued_count >= 49)
            highest = 0
            got = 0
            while got < 20_000:
                await asyncio.sleep(0)
                highest = max(highest, fast.queued_bytes)
                got += len(await fast.batch(count_max=7, wait_s=0))
            assert highest <= 51_001
            assert fast.reconnect_count == 0

    async def test_holds_a_broker_that_ignores_receive_maximum(
        self, broker: ScriptedBroker
    ) -> None:
        async with opened(broker, receive_max=10) as fast:
            broker.send(*(message(number) for number in range(1, 501)))
            seen: list[Delivery] = []
            async with asyncio.timeout(15):
                while len(seen) < 500:
                    await asyncio.sleep(0)
                    assert fast.unacknowledged_count <= 11
                    if fast.queued_count:
                        seen += await fast.batch(count_max=100, wait_s=0)
                    else:
                        fast.acknowledge([one.token for one in seen])

    async def test_is_not_mistaken_for_a_dead_peer(self, broker: ScriptedBroker) -> None:
        async with opened(broker, keep_alive_s=1, queue_count_max=1) as fast:
            broker.send(message(1), message(2), message(3))
            await asyncio.sleep(2)
            assert (fast.connected, fast.reconnect_count) == (True, 0)
            assert fast.queued_count == 1
            got = [(await fast.batch(count_max=9, wait_s=0))[0].topic for _ in range(3)]
            assert got == ["t/1", "t/2", "t/3"]


class TestASessionWithABacklog:
    async def test_is_receipted_before_its_subscriptions_are_confirmed(
        self, broker: ScriptedBroker
    ) -> None:
        """The broker sends what it holds first: that takes longer than it may take to answer."""
        broker.connack = mqtt5.ConnAckPacket(session_present=True)
        broker.confirms = False
        settings = broker.settings(connect_timeout_s=0.5)
        async with FastReceiver(settings, ["t/#"]) as fast:
            await until(lambda: len(broker.sent(mqtt5.SubscribePacket)) == 1)
            for number in (4, 5, 6):
                broker.send(message(number))
                (one,) = await fast.batch(count_max=1, wait_s=0)
                await fast.publish("r", b"%d" % number)
                fast.acknowledge([one.token])
                await asyncio.sleep(0.3)
            fast.set_filters(["t/#", "u/#"])
            await until(lambda: len(broker.sent(mqtt5.SubscribePacket)) == 2)
            assert [packet.packet_id for packet in broker.sent(mqtt5.PubAckPacket)] == [4, 5, 6]
            assert not fast.connected
            [asked, _] = broker.sent(mqtt5.SubscribePacket)
            codes = [mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE]
            broker.send(mqtt5.SubAckPacket(asked.packet_id, codes))
            await until(lambda: fast.connected)
        assert broker.connection_count == 1


class TestPublish:
    async def test_is_written_before_what_follows_it(self, broker: ScriptedBroker) -> None:
        async with opened(broker) as fast:
            broker.send(message(4))
            (one,) = await fast.batch(count_max=1, wait_s=0)
            await fast.publish("r", b"receipt", retain=True)
            fast.acknowledge([one.token])
            await fast.publish("v", b"value", qos=0)
            await until(lambda: len(broker.sent(mqtt5.PublishPacket)) == 2)
            await until(lambda: not fast._flights)
        after = broker.packets[2:5]
        assert [type(packet) for packet in after] == [
            mqtt5.PublishPacket,
            mqtt5.PubAckPacket,
            mqtt5.PublishPacket,
        ]
        assert (after[0].payload, after[0].qos, after[0].retain) == (b"receipt", 1, True)
        assert (after[2].payload, after[2].qos) == (b"value", 0)

    async def test_keeps_to_what_the_broker_allows(self, broker: ScriptedBroker) -> None:
        broker.connack = mqtt5.ConnAckPacket(receive_max=3, max_packet_size=100)
        broker.acknowledges = False
        async with opened(broker, publish_timeout_s=5) as fast:
            for number in range(3):
                await fast.publish("r", b"%d" % number)
            fourth = asyncio.create_task(fast.publish("r", b"3"))
            await until(lambda: len(broker.sent(mqtt5.PublishPacket)) == 3)
            await asyncio.sleep(0.05)
            assert not fourth.done()
            assert len(broker.sent(mqtt5.PublishPacket)) == 3
            broker.send(mqtt5.PubAckPacket(broker.sent(mqtt5.PublishPacket)[0].packet_id))
            await fourth
            with pytest.raises(Unpublishable, match="more than the broker takes"):
                await fast.publish("r", b"x" * 200, qos=0)
            with pytest.raises(Unpublishable, match="correct it"):
                await fast.publish("r" * 70_000, b"x", qos=0)
            assert fast.connected

    async def test_reads_confirmations_behind_a_full_inbox(self, broker: ScriptedBroker) -> None:
        broker.connack = mqtt5.ConnAckPacket(receive_max=1)
        async with opened(broker, queue_count_max=1, publish_timeout_s=5) as fast:
            broker.send(*(message(number) for number in range(1, 50)))
            await until(lambda: fast.queued_count >= 1)
            for number in range(10):
                await fast.publish("r", b"%d" % number)
            assert fast.reconnect_count == 0
            assert len(broker.sent(mqtt5.PublishPacket)) >= 9

    async def test_ends_a_connection_that_takes_nothing(self, broker: ScriptedBroker) -> None:
        broker.connack = mqtt5.ConnAckPacket(receive_max=1)
        broker.acknowledges = False
        async with opened(broker, publish_timeout_s=0.1) as fast:
            await fast.publish("r", b"1")
            with pytest.raises(PublishFailed, match="not written"):
                await fast.publish("r", b"2")
            await until(lambda: fast.reconnect_count == 1)

    async def test_repeats_after_a_reconnect_what_was_not_confirmed(
        self, broker: ScriptedBroker
    ) -> None:
        broker.acknowledges = False
        async with opened(broker) as fast:
            for number in range(5):
                await fast.publish("r", b"%d" % number)
            await until(lambda: len(broker.sent(mqtt5.PublishPacket)) == 5)
            broker.connack = mqtt5.ConnAckPacket(session_present=True, receive_max=4)
            broker.acknowledges = True
            broker.writers[-1].close()
            await until(lambda: len(broker.sent(mqtt5.PublishPacket)) == 9)
            await until(lambda: not fast._flights)
        again = broker.sent(mqtt5.PublishPacket)[5:]
        assert [packet.payload for packet in again] == [b"0", b"1", b"2", b"3"]
        assert all(packet.duplicate for packet in again)

    async def test_reports_what_the_broker_forbids(self, broker: ScriptedBroker) -> None:
        broker.acknowledges = False
        with capture_logs() as logs:
            async with opened(broker) as fast:
                await fast.publish("r", b"1")
                await until(lambda: bool(broker.sent(mqtt5.PublishPacket)))
                packet_id = broker.sent(mqtt5.PublishPacket)[0].packet_id
                code = mqtt5.PubAckReasonCode.NOT_AUTHORIZED
                broker.send(mqtt5.PubAckPacket(packet_id, reason_code=code))
                await until(lambda: not fast._flights)
        assert [log["topic"] for log in logs if log["event"] == "mqtt.publication.refused"] == ["r"]


class TestReceiver:
    def test_is_chosen_by_what_the_broker_speaks(self) -> None:
        settings = Broker(host="h", client_id="c")
        kinds: dict[Any, type[Receiver]] = {"5": FastReceiver, "3.1.1": AiomqttReceiver}
        for protocol, kind in kinds.items():
            assert type(receiver(settings, ["a"], protocol=protocol)) is kind

    def test_refuses_a_filter_that_is_none(self) -> None:
        with pytest.raises(BadFilter):
            receiver(Broker(host="h", client_id="c"), ["a/#/b"])

    def test_refuses_an_aiomqtt_it_does_not_know(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("importlib.metadata.version", lambda _: "3.0.0")
        with pytest.raises(AiomqttUnsupported, match=r"install that"):
            AiomqttReceiver(Broker(host="h", client_id="c"), [])
