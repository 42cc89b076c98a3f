"""Receivers on real brokers: nothing acknowledged too early, nothing lost, nothing unbounded."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from deploy.access import Access
from deploy.embedded import EmbeddedBroker
from ingest.mqtt import AiomqttReceiver, Broker, FastReceiver, Receiver, SessionTakenOver
from ingest.reading import Delivery
from tests import servers
from tests.servers import MosquittoServer

pytestmark = pytest.mark.broker

EVERYTHING = Access(password="everything", publish=("#",), subscribe=("#",))


async def until(condition: Callable[[], bool], timeout_s: float = 15.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - what is watched has no event of its own
            await asyncio.sleep(0.005)


def settings(port: int, **changes: Any) -> Broker:
    defaults: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "client_id": f"centre-{secrets.token_hex(4)}",
        "username": "everything",
        "password": "everything",
        "backoff_s_max": 0.2,
    }
    return Broker(**(defaults | changes))


@contextlib.asynccontextmanager
async def publisher(port: int) -> AsyncIterator[FastReceiver]:
    async with FastReceiver(settings(port), []) as sender:
        await until(lambda: sender.connected)
        yield sender
        await until(lambda: not sender._flights)


async def send(port: int, topic: str, count: int, *, first: int = 0, qos: int = 1) -> None:
    async with publisher(port) as sender:
        for number in range(first, first + count):
            await sender.publish(topic, b"%d" % number, qos=qos)


async def fetch(receiver: Receiver, count: int) -> list[Delivery]:
    got: list[Delivery] = []
    async with asyncio.timeout(15):
        while len(got) < count:
            got += await receiver.batch(count_max=count - len(got), wait_s=0.01)
    return got


def numbers(deliveries: list[Delivery]) -> list[int]:
    return [int(delivery.payload) for delivery in deliveries]


async def handled(receiver: FastReceiver) -> None:
    """Wait until the broker has taken what was sent to it: it takes packets in their order."""
    await receiver.publish("test/handled", b"")
    await until(lambda: not receiver._flights)


def answers(receiver: AiomqttReceiver) -> list[str]:
    """Return what the broker answers about filters from now on."""
    client, said = receiver._paho, list[str]()
    assert client is not None

    def noted(word: str, then: Any) -> Any:
        def note(*arguments: Any) -> None:
            then(*arguments)
            said.append(word)

        return note

    client.on_subscribe = noted("subscribed", client.on_subscribe)
    client.on_unsubscribe = noted("unsubscribed", client.on_unsubscribe)
    return said


def cut(receiver: FastReceiver) -> None:
    """End the connection as a killed process would: without a word."""
    assert receiver._connection is not None
    receiver._connection.abort("cut by the test")


@pytest.fixture
def topic() -> str:
    return f"test/{secrets.token_hex(4)}"


class TestFastReceiver:
    async def test_has_everything_unacknowledged_delivered_again(
        self, mosquitto_server: MosquittoServer, topic: str
    ) -> None:
        port = mosquitto_server.port
        ours = settings(port)
        async with FastReceiver(ours, [topic]) as first:
            await until(lambda: first.connected)
            was_known = first.session_present
            await send(port, topic, 10)
            got = await fetch(first, 10)
            first.acknowledge([one.token for one in got[:4]])
            await handled(first)
            cut(first)
            await until(lambda: first.reconnect_count == 1 and first.connected)
            assert (was_known, first.session_present) == (False, True)
            again = await fetch(first, 6)
            assert numbers(again) == [4, 5, 6, 7, 8, 9]
            first.acknowledge([one.token for one in got])  # of the old connection: harmless
            assert first.unacknowledged_count == 6
            first.acknowledge([again[0].token])
        await send(port, topic, 5, first=10)  # while nobody is there
        async with FastReceiver(ours, [topic]) as second:
            rest = await fetch(second, 10)
            assert numbers(rest) == [5, 6, 7, 8, 9, 10, 11, 12, 13, 14]
            second.acknowledge([one.token for one in rest])
            await handled(second)
            assert (second.queued_count, second.unacknowledged_count) == (0, 0)
        async with FastReceiver(ours, [topic]) as third:
            await until(lambda: third.connected)
            await asyncio.sleep(0.1)
            assert third.queued_count == 0

    async def test_goes_on_when_the_broker_was_killed(
        self, own_mosquitto_server: MosquittoServer, topic: str
    ) -> None:
        server = own_mosquitto_server
        server.start()
        async with FastReceiver(settings(server.port), [topic]) as receiver:
            await until(lambda: receiver.connected)
            await send(server.port, topic, 3)
            got = await fetch(receiver, 3)
            server.kill9()
            await until(lambda: not receiver.connected)
            server.start()
            await until(lambda: receiver.connected)
            assert receiver.reconnect_count == 1
            receiver.acknowledge([one.token for one in got])
            await send(server.port, topic, 3, first=100)
            seen: set[int] = set()
            while not seen >= {100, 101, 102}:
                new = await fetch(receiver, 1)
                receiver.acknowledge([new[0].token])
                seen.update(numbers(new))

    async def test_gives_way_to_a_second_one_with_its_name(
        self, mosquitto_server: MosquittoServer, topic: str
    ) -> None:
        port = mosquitto_server.port
        ours = settings(port, stops_on_takeover=True)
        async with FastReceiver(ours, [topic]) as first:
            await until(lambda: first.connected)
            await send(port, topic, 10)
            old = await fetch(first, 10)
            async with FastReceiver(ours, [topic]) as second:
                with pytest.raises(SessionTakenOver):
                    await first.batch(count_max=1, wait_s=0)
                # The broker says goodbye to the first before it answers the second.
                await until(lambda: second.connected)
                assert second.session_present
                first.acknowledge([one.token for one in old])
                assert numbers(await fetch(second, 10)) == list(range(10))

    async def test_never_holds_more_than_it_said(
        self, mosquitto_server: MosquittoServer, topic: str
    ) -> None:
        port = mosquitto_server.port
        ours = settings(port, receive_max=20)
        async with FastReceiver(ours, [topic]) as receiver:
            await until(lambda: receiver.connected)
            sending = asyncio.create_task(send(port, topic, 500))
            got: list[Delivery] = []
            while len(got) < 500:
                new = await receiver.batch(count_max=7, wait_s=0)
                assert receiver.unacknowledged_count <= 20
                got += new
                if receiver.unacknowledged_count >= 14:
                    receiver.acknowledge([one.token for one in got])
            await sending
            assert numbers(got) == list(range(500))

    async def test_stops_reading_when_nobody_fetches(
        self, mosquitto_server: MosquittoServer, topic: str
    ) -> None:
        port = mosquitto_server.port
        ours = settings(port, queue_bytes_max=200_000, keep_alive_s=3)
        async with FastReceiver(ours, [topic]) as receiver, publisher(port) as sender:
            await until(lambda: receiver.connected)
            for number in range(300):
                await sender.publish(topic, b"%06d" % number + b"x" * 10_000)
            await asyncio.sleep(5)
            assert 190_000 < receiver.queued_bytes < 211_000
            assert (receiver.connected, receiver.reconnect_count) == (True, 0)
            got: list[Delivery] = []
            while len(got) < 300:
                got += await receiver.batch(count_max=5, wait_s=0)
                assert receiver.queued_bytes < 211_000
            assert [int(one.payload[:6]) for one in got] == list(range(300))

    async def test_reads_from_a_line_that_passes_single_bytes(
        self, mosquitto_server: MosquittoServer, topic: str
    ) -> None:
        async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while data := await reader.read(1):
                writer.write(data)
                await writer.drain()
                await asyncio.sleep(0)
            writer.close()

        joined = asyncio.Event()

        async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there, back = await asyncio.open_connection("127.0.0.1", mosquitto_server.port)
            await asyncio.gather(pass_on(reader, back), pass_on(there, writer))
            joined.set()

        line = await asyncio.start_server(join, "127.0.0.1", 0)
        port = line.sockets[0].getsockname()[1]
        async with FastReceiver(settings(port), [topic]) as receiver:
            await until(lambda: receiver.connected)
            await send(mosquitto_server.port, topic, 50)
            got = await fetch(receiver, 50)
            receiver.acknowledge([one.token for one in got])
            assert numbers(got) == list(range(50))
        line.close()
        await line.wait_closed()
        await asyncio.wait_for(joined.wait(), 15)

    async def test_takes_messages_of_one_megabyte(
        self, mosquitto_server: MosquittoServer, topic: str
    ) -> None:
        port = mosquitto_server.port
        async with FastReceiver(settings(port), [topic]) as receiver, publisher(port) as sender:
            await until(lambda: receiver.connected)
            payload = secrets.token_bytes(1_048_576)
            for _ in range(5):
                await sender.publish(topic, payload)
            got = await fetch(receiver, 5)
        assert all(one.payload == payload for one in got)

    async def test_tells_old_copies_and_unguaranteed_messages_apart(
        self, mosquitto_server: MosquittoServer, topic: str
    ) -> None:
        port = mosquitto_server.port
        async with publisher(port) as sender:
            await sender.publish(f"{topic}/kept", b"1", retain=True)
        async with FastReceiver(settings(port), [f"{topic}/live"]) as receiver:
            await until(lambda: receiver.connected)
            receiver.set_filters([f"{topic}/+"])
            (kept,) = await fetch(receiver, 1)
            async with publisher(port) as sender:
                await sender.publish(f"{topic}/kept", b"2", retain=True)
                await sender.publish(f"{topic}/live", b"3", qos=0)
            live, lossy = await fetch(receiver, 2)
        assert (kept.payload, kept.retained, kept.qos) == (b"1", True, 1)
        assert (live.payload, live.retained, live.qos) == (b"2", False, 1)
        assert (lossy.payload, lossy.token, lossy.qos) == (b"3", 0, 0)

    async def test_says_what_it_may_not_publish_and_where_it_may_not_enter(
        self, own_mosquitto_server: MosquittoServer, topic: str
    ) -> None:
        server = own_mosquitto_server
        server.users["centre"] = Access(password="p", subscribe=("#",))
        server.start()
        with capture_logs() as logs:
            ours = settings(server.port, username="centre", password="p")
            async with FastReceiver(ours, [topic]) as receiver:
                await until(lambda: receiver.connected)
                await receiver.publish(topic, b"x")
                await until(lambda: not receiver._flights)
            async with FastReceiver(settings(server.port, password="wrong"), [topic]):
                await until(lambda: any("NOT_AUTHORIZED" in log.get("reason", "") for log in logs))
        refused = [log for log in logs if log["event"] == "mqtt.publication.refused"]
        assert [log["reason"] for log in refused] == ["NOT_AUTHORIZED"]


@pytest.fixture
def embedded_broker() -> Iterator[EmbeddedBroker]:
    with servers.run_folder(servers.RUNS) as folder:
        broker = EmbeddedBroker(folder / "broker", {"everything": EVERYTHING})
        broker.start()
        yield broker
        broker.stop()


@pytest.fixture(params=["amqtt", "mosquitto"])
def port_of_3_1_1(request: pytest.FixtureRequest) -> int:
    """Give the demo's broker, and Mosquitto as one that is asked for 3.1.1."""
    fixture = {"amqtt": "embedded_broker", "mosquitto": "mosquitto_server"}[request.param]
    broker: EmbeddedBroker | MosquittoServer = request.getfixturevalue(fixture)
    return broker.port


class TestAiomqttReceiver:
    async def send(self, sender: AiomqttReceiver, topic: str, count: int) -> None:
        await until(lambda: sender.connected)
        for number in range(count):
            await sender.publish(topic, b"%d" % number)
        inner = sender._paho
        assert inner is not None
        await until(lambda: not inner._out_messages)

    @pytest.fixture
    async def sender(self, port_of_3_1_1: int) -> AsyncIterator[AiomqttReceiver]:
        # It stays: amqtt forgets what a publisher that leaves has just sent.
        async with AiomqttReceiver(settings(port_of_3_1_1), []) as sender:
            yield sender

    async def test_has_everything_unacknowledged_delivered_again(
        self, mosquitto_server: MosquittoServer, topic: str
    ) -> None:
        port = mosquitto_server.port
        ours = settings(port)
        async with AiomqttReceiver(ours, [topic]) as first:
            await until(lambda: first.connected)
            await send(port, topic, 10)
            got = await fetch(first, 1)
            while len(got) < 4:
                first.acknowledge([got[-1].token])
                got += await fetch(first, 1)
            assert numbers(got) == [0, 1, 2, 3]
            first.acknowledge([got[3].token])
            # The broker takes packets in their order.
            await self.send(first, "test/handled", 1)
        async with AiomqttReceiver(ours, [topic]) as second:
            await until(lambda: second.connected)
            assert second.session_present
            rest: list[int] = []
            while len(set(rest)) < 6:
                new = await fetch(second, 1)
                second.acknowledge([new[0].token])
                rest += numbers(new)
            assert set(rest) == {4, 5, 6, 7, 8, 9}
            assert second.unacknowledged_count == 0

    async def test_receives_what_was_sent_while_it_was_away(
        self, port_of_3_1_1: int, sender: AiomqttReceiver, topic: str
    ) -> None:
        ours = settings(port_of_3_1_1)
        async with AiomqttReceiver(ours, [topic]) as first:
            await until(lambda: first.connected)
        await self.send(sender, topic, 5)
        async with AiomqttReceiver(ours, [topic]) as second:
            got = await fetch(second, 5)
            assert second.session_present
            assert sorted(numbers(got)) == [0, 1, 2, 3, 4]
            second.acknowledge([one.token for one in got])
            assert second.unacknowledged_count == 0

    async def test_keeps_unfetched_messages_over_a_reconnect(
        self, port_of_3_1_1: int, sender: AiomqttReceiver, topic: str
    ) -> None:
        async with AiomqttReceiver(settings(port_of_3_1_1), [topic]) as receiver:
            await until(lambda: receiver.connected)
            await self.send(sender, topic, 3)
            await until(lambda: receiver.queued_count == 3)
            receiver._end("cut by the test")
            await until(lambda: receiver.reconnect_count == 1 and receiver.connected)
            assert numbers(await fetch(receiver, 3)) == [0, 1, 2]

    async def test_stops_reading_when_nobody_fetches(
        self, port_of_3_1_1: int, sender: AiomqttReceiver, topic: str
    ) -> None:
        port = port_of_3_1_1
        async with AiomqttReceiver(settings(port, queue_count_max=10), [topic]) as receiver:
            await until(lambda: receiver.connected)
            sending = asyncio.create_task(self.send(sender, topic, 200))
            await asyncio.sleep(0.5)
            assert receiver.queued_count <= 11
            got: list[int] = []
            while len(got) < 200:
                new = await receiver.batch(count_max=3, wait_s=0)
                assert receiver.queued_count <= 11
                receiver.acknowledge([one.token for one in new])
                got += numbers(new)
            await sending
            assert got == list(range(200))

    async def test_answers_and_changes_its_filters(self, port_of_3_1_1: int, topic: str) -> None:
        port = port_of_3_1_1
        async with (
            AiomqttReceiver(settings(port), [f"{topic}/a"]) as receiver,
            AiomqttReceiver(settings(port), [f"{topic}/receipt"]) as gateway,
        ):
            await until(lambda: receiver.connected and gateway.connected)
            said = answers(receiver)
            receiver.set_filters([f"{topic}/b"])
            await until(lambda: len(said) == 2)
            await gateway.publish(f"{topic}/a", b"1")
            await gateway.publish(f"{topic}/b", b"2")
            (one,) = await fetch(receiver, 1)
            assert (one.topic, one.payload, one.retained) == (f"{topic}/b", b"2", False)
            await receiver.publish(f"{topic}/receipt", b"done")
            receiver.acknowledge([one.token])
            (receipt,) = await fetch(gateway, 1)
            assert receipt.payload == b"done"

    async def test_takes_filters_while_the_broker_answers(
        self,
        port_of_3_1_1: int,
        sender: AiomqttReceiver,
        topic: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        receiver = AiomqttReceiver(settings(port_of_3_1_1), [f"{topic}/a"])
        subscribe = receiver._subscribe
        heard: list[list[str]] = []

        async def interrupted(client: Any) -> None:
            heard.append(answers(receiver))
            asking = asyncio.create_task(subscribe(client))
            await asyncio.sleep(0)
            receiver.set_filters([f"{topic}/b"])
            await asking

        monkeypatch.setattr(receiver, "_subscribe", interrupted)
        async with receiver:
            await until(lambda: receiver.connected and sender.connected and len(heard[0]) == 3)
            await sender.publish(f"{topic}/a", b"1")
            await sender.publish(f"{topic}/b", b"2")
            (one,) = await fetch(receiver, 1)
            assert (one.topic, one.payload) == (f"{topic}/b", b"2")
            receiver.acknowledge([one.token])

    async def test_goes_on_when_the_broker_was_killed(
        self, own_mosquitto_server: MosquittoServer, topic: str
    ) -> None:
        server = own_mosquitto_server
        server.start()
        async with AiomqttReceiver(settings(server.port), [topic]) as receiver:
            await until(lambda: receiver.connected)
            server.kill9()
            await until(lambda: not receiver.connected)
            server.start()
            await until(lambda: receiver.connected)
            await send(server.port, topic, 3)
            got = await fetch(receiver, 3)
            receiver.acknowledge([one.token for one in got])
            assert numbers(got) == [0, 1, 2]


@pytest.fixture
def fast_mosquitto_server(
    mosquitto_folder: tuple[Path, Path | None], topic: str
) -> Iterator[MosquittoServer]:
    """Give a broker that does not save itself at each change, which is slower than any client."""
    folder, root = mosquitto_folder
    unsaved = {"autosave_on_changes": "false"}
    server = MosquittoServer(
        folder / topic.replace("/", "-"), {"everything": EVERYTHING}, root=root, settings=unsaved
    )
    server.start()
    yield server
    server.stop()


@pytest.mark.benchmark
class TestThroughput:
    @pytest.mark.parametrize(
        ("kind", "messages_per_s_min"), [(FastReceiver, 100_000), (AiomqttReceiver, 10_000)]
    )
    async def test_drains_a_backlog(
        self,
        fast_mosquitto_server: MosquittoServer,
        topic: str,
        kind: type[Receiver],
        messages_per_s_min: int,
    ) -> None:
        port, count = fast_mosquitto_server.port, 60_000
        ours = settings(port)
        async with kind(ours, [topic]) as receiver:
            await until(lambda: receiver.connected)
        async with publisher(port) as sender:
            for number in range(count):
                await sender.publish(topic, b"%d" % number + b" " * 180)
        start_s, start_cpu_s = time.perf_counter(), time.process_time()
        seen = 0
        async with kind(ours, [topic]) as receiver:
            while seen < count:
                got = await receiver.batch(count_max=1000, wait_s=0.005)
                receiver.acknowledge([one.token for one in got])
                assert int(got[0].payload) == seen
                seen += len(got)
        messages_per_s = count / (time.perf_counter() - start_s)
        cpu_us = (time.process_time() - start_cpu_s) / count * 1e6
        print(f"{kind.__name__}: {messages_per_s:,.0f} messages/s, {cpu_us:.1f} µs CPU")
        assert messages_per_s > messages_per_s_min
