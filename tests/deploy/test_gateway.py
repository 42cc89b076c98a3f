"""The gateway without a broker; with one, see tests/integration/test_gateway.py."""

import asyncio
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import aiomqtt
import pytest

from deploy.gateway import Gateway, ReceiptsRefused, _Flight, run
from deploy.gateway_settings import AddressRefused, GatewayAddress, GatewaySettings
from deploy.outbox import Outbox
from ingest.signature import body_of

ADDRESS = GatewayAddress("t", "s", "g")


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with Outbox.open(tmp_path / "outbox.sqlite") as opened:
        opened.put([("P1", 0, 1.0)])
        yield opened


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Give a port that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def _closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class TestGatewayAddress:
    def test_builds_the_topics(self) -> None:
        assert GatewayAddress("a", "b", "c").topic("receipt") == "nengtan/v1/a/b/c/receipt"

    @pytest.mark.parametrize("value", ["", "a/b", "+", "#", "a\0", "a b", "x" * 65, ".."])
    def test_refuses_what_changes_the_topic(self, value: str) -> None:
        with pytest.raises(AddressRefused, match="tenant"):
            GatewayAddress(value, "s", "g")


class TestGatewaySettings:
    def test_never_shows_the_password(self) -> None:
        settings = GatewaySettings("h", ADDRESS, username="u", password="secret")
        assert "secret" not in repr(settings)


class _Refusing:
    """A client whose broker refuses every subscription."""

    async def subscribe(self, _topic: str, qos: int) -> tuple[int, ...]:
        assert qos == 1
        return (0x80,)


class TestSubscribe:
    async def test_says_that_receipts_are_refused(self, outbox: Outbox) -> None:
        gateway = Gateway(outbox, GatewaySettings("h", ADDRESS, username="u"))
        with pytest.raises(ReceiptsRefused, match="refuses user 'u' the receipts"):
            await gateway._subscribe(cast("aiomqtt.Client", _Refusing()))


class _Noting:
    """A client that notes what is published."""

    def __init__(self) -> None:
        self.published: list[tuple[str, bytes]] = []

    async def publish(self, topic: str, payload: bytes, **_: object) -> None:
        self.published.append((topic, payload))


class TestPublish:
    @pytest.mark.parametrize("key", [None, b"k" * 32])
    async def test_signs_with_the_key_of_the_gateway(
        self, outbox: Outbox, key: bytes | None
    ) -> None:
        gateway = Gateway(outbox, GatewaySettings("h", ADDRESS, signing_key=key))
        [message] = outbox.pending(0, limit_count=1, limit_bytes=1000)
        client = _Noting()
        await gateway._publish(cast("aiomqtt.Client", client), _Flight(message))
        [(topic, payload)] = client.published
        assert (payload if key is None else body_of(key, topic, payload)) == message.body

    def test_never_shows_the_key(self) -> None:
        assert "secret" not in repr(GatewaySettings("h", ADDRESS, signing_key=b"secret" * 6))


async def _said_fault(gateway: Gateway) -> None:
    async with asyncio.timeout(15.0):
        while gateway.counters.last_fault is None:  # noqa: ASYNC110 - a counter rings no bell
            await asyncio.sleep(0.02)


class TestRun:
    async def test_waits_for_a_dead_broker_without_blocking(self, outbox: Outbox) -> None:
        settings = GatewaySettings("127.0.0.1", ADDRESS, port=_closed_port())
        gateway = Gateway(outbox, settings)
        task = asyncio.create_task(gateway.run())
        await _said_fault(gateway)
        started_s = time.monotonic()
        assert outbox.put([("P1", 1, 1.0)]) == 2
        assert time.monotonic() - started_s < 1.0
        assert "refused" in str(gateway.counters.last_fault)
        gateway.stop()
        await asyncio.wait_for(task, 2.0)
        assert outbox.pending_count == 2

    async def test_leaves_a_broker_that_never_answers(
        self, outbox: Outbox, silent_port: int
    ) -> None:
        settings = GatewaySettings(
            "127.0.0.1", ADDRESS, port=silent_port, connect_timeout_s=0.3, keepalive_s=1
        )
        gateway = Gateway(outbox, settings)
        task = asyncio.create_task(gateway.run())
        await _said_fault(gateway)
        assert gateway.counters.last_fault == "Operation timed out"
        gateway.stop()
        await asyncio.wait_for(task, 3.0)

    async def test_ends_with_what_it_waits_for(self, outbox: Outbox) -> None:
        settings = GatewaySettings("127.0.0.1", ADDRESS, port=_closed_port())
        counters = await asyncio.wait_for(run(outbox, settings, until=asyncio.sleep(0.2)), 3.0)
        assert counters.connection_count == 0
        assert outbox.pending_count == 1
