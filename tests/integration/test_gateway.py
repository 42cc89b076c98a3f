"""Gateway and replay through a real Mosquitto: nothing is forgotten without a receipt."""

import asyncio
import contextlib
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest

from deploy.access import Access
from deploy.embedded import EmbeddedBroker
from deploy.gateway import Gateway
from deploy.gateway_settings import GatewayAddress, GatewaySettings
from deploy.message import Reading
from deploy.outbox import Outbox
from deploy.replay import ReplayOptions, replay
from services.files.file_map import read_map
from tests.integration.echo_centre import EchoCentre, serving
from tests.servers import MosquittoServer

PROJECT = Path(__file__).parents[2]
ADDRESS = GatewayAddress("t", "s", "g")
EVERYTHING = Access(password="everything", publish=("#",), subscribe=("#",))
OWN = Access(
    password="pass",
    publish=(ADDRESS.topic("telemetry"),),
    subscribe=(ADDRESS.topic("receipt"),),
)
MAP: dict[str, Any] = {
    "time": {"column": "t", "format": "epoch_s"},
    "points": [{"column": "a", "point": "A"}],
}
REPLAYER = """
import asyncio, json, sys
from pathlib import Path
from deploy.gateway_settings import GatewayAddress, GatewaySettings
from deploy.replay import ReplayOptions, replay
from services.files.file_map import read_map

path, document, port, folder = sys.argv[1:]
settings = GatewaySettings(
    "127.0.0.1", GatewayAddress("t", "s", "g"), port=int(port),
    username="everything", password="everything", window_message_count=8,
    receipt_timeout_s=0.3,
)
options = ReplayOptions(message_reading_count=20, batch_message_count=2)
file_map = read_map(json.loads(document), place="test")
asyncio.run(replay(Path(path), file_map, settings, outbox_folder=Path(folder), options=options))
"""

pytestmark = pytest.mark.broker


def _settings(server: MosquittoServer, **changes: Any) -> GatewaySettings:
    settings = GatewaySettings(
        "127.0.0.1",
        ADDRESS,
        port=server.port,
        username="everything",
        password="everything",
        receipt_timeout_s=0.5,
        acknowledge_timeout_s=5.0,
        pause_s_max=1.0,
    )
    return replace(settings, **changes)


def _messages(count: int, size: int = 20) -> list[list[Reading]]:
    return [
        [
            (f"P{item}", (number * size + item) * 1_000_000, number + item / 7)
            for item in range(size)
        ]
        for number in range(count)
    ]


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with Outbox.open(tmp_path / "outbox.sqlite") as opened:
        yield opened


@contextlib.asynccontextmanager
async def running(outbox: Outbox, settings: GatewaySettings) -> AsyncIterator[Gateway]:
    gateway = Gateway(outbox, settings)
    task = asyncio.create_task(gateway.run())
    try:
        yield gateway
    finally:
        gateway.stop()
        await asyncio.wait_for(task, 15)


async def _until(condition: Any, seconds: float = 45) -> None:
    deadline_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline_s, "it did not come to pass"
        await asyncio.sleep(0.02)


class TestGateway:
    @pytest.mark.parametrize("protocol", ["3.1.1", "5"])
    async def test_sends_in_order_and_forgets_on_receipt(
        self,
        outbox: Outbox,
        mosquitto_server: MosquittoServer,
        protocol: Literal["3.1.1", "5"],
    ) -> None:
        outbox.put_many(_messages(500))
        # No receipt is lost: on a machine that stood for a moment, none may count as overdue.
        settings = _settings(mosquitto_server, protocol=protocol, receipt_timeout_s=30.0)
        async with (
            serving(EchoCentre(mosquitto_server.port)) as centre,
            running(outbox, settings) as gateway,
        ):
            await asyncio.wait_for(gateway.drained(), 20)
            assert outbox.put(_messages(1)[0]) == 501
            await asyncio.wait_for(gateway.drained(), 5)
        assert centre.order == list(range(1, 502))
        assert gateway.counters.receipted_count == 501
        assert gateway.counters.receipted_reading_count == 501 * 20
        assert outbox.pending_count == 0

    async def test_sends_through_the_broker_of_the_demo(
        self, outbox: Outbox, tmp_path: Path
    ) -> None:
        broker = EmbeddedBroker(tmp_path / "broker", {"everything": EVERYTHING, "g": OWN})
        await asyncio.to_thread(broker.start)
        try:
            outbox.put_many(_messages(200))
            settings = GatewaySettings(
                "127.0.0.1", ADDRESS, port=broker.port, username="g", password="pass"
            )
            async with serving(EchoCentre(broker.port)), running(outbox, settings) as gateway:
                await asyncio.wait_for(gateway.drained(), 20)
            assert gateway.counters.receipted_count == 200
            assert outbox.pending_count == 0
        finally:
            await asyncio.to_thread(broker.stop)

    async def test_gets_every_receipt_through_losses_and_killed_brokers(
        self, outbox: Outbox, own_mosquitto_server: MosquittoServer
    ) -> None:
        own_mosquitto_server.start()
        messages = _messages(600)
        settings = _settings(own_mosquitto_server, window_message_count=64)
        async with (
            serving(EchoCentre(own_mosquitto_server.port, drop_share=0.05)) as centre,
            running(outbox, settings) as gateway,
        ):
            for kill in range(3):
                outbox.put_many(messages[kill * 200 : kill * 200 + 200])
                await _until(lambda done=kill: len(centre.order) > done * 200 + 50)
                await asyncio.to_thread(own_mosquitto_server.kill9)
                await asyncio.sleep(0.3)
                await asyncio.to_thread(own_mosquitto_server.start)
            await asyncio.wait_for(gateway.drained(), 60)
        received = centre.readings[outbox.epoch]
        assert sorted(received) == list(range(1, 601))
        for seq, rows in received.items():
            expected = [[name, ts_us // 1000, value] for name, ts_us, value in messages[seq - 1]]
            assert rows == expected
        assert gateway.counters.connection_count >= 4
        assert gateway.counters.resent_count > 0
        assert outbox.counters() == {"put": 12_000, "receipted": 12_000}

    @pytest.mark.parametrize("queue_limit", ["0", "1000"])
    async def test_keeps_what_a_broker_acknowledges_and_throws_away(
        self, outbox: Outbox, own_mosquitto_server: MosquittoServer, queue_limit: str
    ) -> None:
        # Mosquitto says PUBACK to a publish that its access list forbids; without a limit of
        # queued messages, 2.0.21 then hangs up as well.
        mute = replace(OWN, publish=())
        own_mosquitto_server._settings = {"max_queued_messages": queue_limit}
        own_mosquitto_server.users = {"g": mute, "everything": EVERYTHING}
        own_mosquitto_server.start()
        outbox.put_many(_messages(10))
        settings = _settings(own_mosquitto_server, username="g", password="pass", protocol="3.1.1")
        async with (
            serving(EchoCentre(own_mosquitto_server.port)) as centre,
            running(outbox, settings) as gateway,
        ):
            if queue_limit == "0":
                # A connection that was made again has no fault until it ends as well.
                remedy = f"may write {ADDRESS.topic('telemetry')}"
                await _until(lambda: remedy in str(gateway.counters.last_fault))
            else:
                await _until(lambda: gateway.counters.resent_count > 0)
            assert gateway.counters.published_count > 0
            assert (outbox.pending_count, len(centre.order)) == (10, 0)
            own_mosquitto_server.set_users({"g": OWN, "everything": EVERYTHING})
            await asyncio.wait_for(gateway.drained(), 45)
        assert sorted(centre.order) == list(range(1, 11))

    async def test_says_why_it_is_not_let_in(
        self,
        outbox: Outbox,
        own_mosquitto_server: MosquittoServer,
    ) -> None:
        own_mosquitto_server.users = {"g": OWN}
        own_mosquitto_server.start()
        settings = _settings(own_mosquitto_server, username="g", password="wrong")
        async with running(outbox, settings) as gateway:
            await _until(lambda: gateway.counters.last_fault is not None)
            assert "ot authori" in str(gateway.counters.last_fault)

    async def test_leaves_a_broker_that_hangs(
        self, outbox: Outbox, own_mosquitto_server: MosquittoServer
    ) -> None:
        own_mosquitto_server.start()
        process = own_mosquitto_server._process
        assert process is not None
        settings = _settings(own_mosquitto_server, acknowledge_timeout_s=0.6, connect_timeout_s=0.5)
        async with (
            serving(EchoCentre(own_mosquitto_server.port)),
            running(outbox, settings) as gateway,
        ):
            await _until(lambda: gateway.counters.connected)
            process.send_signal(signal.SIGSTOP)
            outbox.put_many(_messages(10))
            await _until(lambda: gateway.counters.last_fault is not None)
            process.send_signal(signal.SIGCONT)
            await asyncio.wait_for(gateway.drained(), 20)

    async def test_sends_a_silent_centre_less_and_less(
        self, outbox: Outbox, mosquitto_server: MosquittoServer
    ) -> None:
        outbox.put_many(_messages(20))
        centre = EchoCentre(mosquitto_server.port)
        centre.silent = True
        settings = _settings(
            mosquitto_server, receipt_timeout_s=0.2, window_message_count=5, client_id="silent"
        )
        async with serving(centre), running(outbox, settings) as gateway:
            began_s = time.monotonic()
            await _until(lambda: gateway.counters.resent_count >= 3 * 5)
            # 0.2, 0.6 and 1.4 s after the first sending, and no further than the window.
            assert time.monotonic() - began_s > 1.3
            assert gateway.counters.resent_count == 3 * 5
            assert len(centre.order) == 5
            centre.silent = False
            await asyncio.wait_for(gateway.drained(), 20)

    async def test_counts_what_the_centre_rejects(
        self, outbox: Outbox, mosquitto_server: MosquittoServer
    ) -> None:
        outbox.put_many(_messages(10))
        async with (
            serving(EchoCentre(mosquitto_server.port, rejected_point="P3")),
            running(outbox, _settings(mosquitto_server)) as gateway,
        ):
            await asyncio.wait_for(gateway.drained(), 10)
        assert gateway.counters.rejected_reading_counts == {"unknown_point": 10}
        assert outbox.counters()["rejected.unknown_point"] == 10


class TestReplay:
    def _write(self, path: Path, row_count: int) -> None:
        rows = (f"{1_577_836_800 + 60 * row},{row}" for row in range(row_count))
        path.write_text("t,a\n" + "\n".join(rows) + "\n")

    async def test_ends_when_all_is_receipted_and_sends_again_when_asked_again(
        self, tmp_path: Path, mosquitto_server: MosquittoServer
    ) -> None:
        self._write(tmp_path / "data.csv", 5_000)
        centre = EchoCentre(mosquitto_server.port)
        async with serving(centre):
            reports = [
                await asyncio.wait_for(
                    replay(
                        tmp_path / "data.csv",
                        read_map(MAP, place="test"),
                        _settings(mosquitto_server),
                        outbox_folder=tmp_path / "out",
                        options=ReplayOptions(message_reading_count=100),
                    ),
                    30,
                )
                for _ in range(2)
            ]
        assert [report.run for report in reports] == [1, 2]
        for report in reports:
            assert report.row_count == report.reading_count == report.receipted_count == 5_000
            assert report.resumed_row_count == 0
        [by_seq] = centre.readings.values()  # one epoch
        assert sorted(by_seq) == list(range(1, 101))  # and new numbers for the second run
        for first in (1, 51):
            values = [row[2] for seq in range(first, first + 50) for row in by_seq[seq]]
            assert values == [float(row) for row in range(5_000)]

    async def test_finishes_what_kills_interrupted(
        self, tmp_path: Path, mosquitto_server: MosquittoServer
    ) -> None:
        self._write(tmp_path / "data.csv", 8_000)
        centre = EchoCentre(mosquitto_server.port, drop_share=0.05)
        async with serving(centre):
            for count in (200, 1_500, 3_000):
                process = await asyncio.create_subprocess_exec(
                    sys.executable,
                    *("-c", REPLAYER, str(tmp_path / "data.csv"), json.dumps(MAP)),
                    *(str(mosquitto_server.port), str(tmp_path / "out")),
                    cwd=PROJECT,
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=asyncio.subprocess.DEVNULL,
                )
                await _until(lambda count=count: centre.reading_count >= count, 30)
                process.kill()
                await process.wait()
            assert centre.reading_count < 8_000, "the kills must come before the end"
            report = await asyncio.wait_for(
                replay(
                    tmp_path / "data.csv",
                    read_map(MAP, place="test"),
                    _settings(mosquitto_server),
                    outbox_folder=tmp_path / "out",
                ),
                60,
            )
        assert report.resumed_row_count > 0
        assert (report.row_count, report.receipted_count) == (8_000, 8_000)
        [by_seq] = centre.readings.values()
        assert sorted(by_seq) == list(range(1, len(by_seq) + 1))
        values = [row[2] for seq in sorted(by_seq) for row in by_seq[seq]]
        assert values == [float(row) for row in range(8_000)]


@pytest.mark.benchmark
class TestThroughput:
    # A broker that writes its whole store at every change is limited by that.
    @pytest.mark.parametrize(("autosave", "rate_min"), [("false", 300_000), ("true", 30_000)])
    async def test_sends_readings_per_second(
        self,
        outbox: Outbox,
        own_mosquitto_server: MosquittoServer,
        autosave: str,
        rate_min: float,
    ) -> None:
        own_mosquitto_server._settings = {"autosave_on_changes": autosave}
        own_mosquitto_server.start()
        for _ in range(10):
            outbox.put_many(_messages(100, size=800))
        async with serving(EchoCentre(own_mosquitto_server.port)):
            started_s = time.monotonic()
            settings = _settings(own_mosquitto_server, receipt_timeout_s=20.0)
            async with running(outbox, settings) as gateway:
                await asyncio.wait_for(gateway.drained(), 60)
            rate = 800_000 / (time.monotonic() - started_s)
        sys.stdout.write(f"autosave_on_changes {autosave}: {rate:,.0f} readings/s receipted\n")
        assert gateway.counters.receipted_reading_count == 800_000
        assert rate > rate_min
