"""More than the centre can take at once: bounded memory, nothing lost, and the living first."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from tests import servers
from tests.benchmarks.gateways import LOAD_USER, park, sender
from tests.benchmarks.load import START_MS, Load
from tests.centre import Centre
from tests.servers import DatabaseServer, MosquittoServer, PlainServer

pytestmark = [pytest.mark.broker, pytest.mark.database]

RESIDENT_BYTES_MAX = 512 * 1024 * 1024
LIVE_MS = 1_767_225_600_000  # 2026-01-01: the backlog is of the year before


@contextmanager
def centre_of(
    server: DatabaseServer, broker: MosquittoServer, folder: Path, name: str
) -> Iterator[Centre]:
    url = servers.create_database(server)
    with Centre(database_url=url, broker=broker, plants=[park()], folder=folder / name) as centre:
        centre.prepare()
        broker.set_users({**broker.users, **LOAD_USER})
        centre.start("ingest")
        centre.wait_subscribed()
        yield centre


@pytest.fixture
def broker(own_mosquitto_server: MosquittoServer) -> MosquittoServer:
    own_mosquitto_server.start()
    return own_mosquitto_server


def resident_bytes(centre: Centre) -> int:
    return int(psutil.Process(centre._processes["ingest"].pid).memory_info().rss)


def assert_all_counted(centre: Centre, *, sent: int) -> None:
    """Every reading is in the database once, and the ledger has told the truth of each."""
    assert centre.rows("select count(*) from reading") == [(sent,)]
    [(received, stored, again, wrong)] = centre.rows(
        "select sum(received)::int, sum(stored)::int, sum(duplicate)::int,"
        " sum(conflict + quarantined)::int from ingest_hour"
    )
    assert (stored, wrong) == (sent, 0)
    assert received == sent + again


def killed(server: PlainServer, centre: Centre, seconds: float) -> None:
    del centre
    server.kill9()
    time.sleep(seconds)
    server.start()


def locked(server: PlainServer, centre: Centre, seconds: float) -> None:
    del server
    with psycopg.connect(centre.database_url) as connection:
        connection.execute("lock table reading in access exclusive mode")
        time.sleep(seconds)


def disconnected(server: PlainServer, centre: Centre, seconds: float) -> None:
    del server
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        centre.rows(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where usename = 'nengtan_ingest'"
        )
        time.sleep(0.1)


def test_a_database_that_does_not_answer_costs_time_and_neither_readings_nor_memory(
    own_plain_server: PlainServer, broker: MosquittoServer, tmp_path: Path
) -> None:
    sent = 200_000
    with centre_of(own_plain_server, broker, tmp_path, "away") as centre:
        for number, fault in enumerate((killed, locked, disconnected)):
            load = Load(
                broker.port,
                fault.__name__,
                20,
                sent,
                messages_per_s=8_000,
                window_messages=60_000,
                start_ms=START_MS + number * sent,
            )
            with sender(load) as begin:
                end = begin()
                time.sleep(0.3)
                fault(own_plain_server, centre, 1.5)
                held_bytes = resident_bytes(centre)
                end()
            assert_all_counted(centre, sent=(number + 1) * sent)
            assert held_bytes < RESIDENT_BYTES_MAX


class TestABacklog:
    def backlog(
        self,
        server: DatabaseServer,
        broker: MosquittoServer,
        folder: Path,
        *,
        reading_count: int,
        kill_count: int,
    ) -> dict[str, float]:
        """Drain outboxes while one gateway sends what it reads; return the delays of that one."""
        live_count = 10_000
        past = Load(broker.port, "past", 50, reading_count, gateway_count=9)
        live = Load(
            broker.port,
            "live",
            100,
            live_count,
            messages_per_s=20,
            first_gateway=9,
            gateway_count=1,
            start_ms=LIVE_MS,
        )
        with (
            centre_of(server, broker, folder, "backlog") as centre,
            sender(past) as begin_past,
            sender(live) as begin_live,
        ):
            end_live = begin_live()
            end_past = begin_past()
            for _ in range(kill_count):
                time.sleep(1.0)
                centre.kill9("ingest")
                centre.start("ingest")
            end_past()
            said = end_live()
            assert_all_counted(centre, sent=reading_count + live_count)
        return said

    def test_lets_the_living_pass(
        self, own_plain_server: PlainServer, broker: MosquittoServer, tmp_path: Path
    ) -> None:
        said = self.backlog(own_plain_server, broker, tmp_path, reading_count=144_000, kill_count=1)
        assert said["p99_s"] < 30

    @pytest.mark.faults
    def test_of_a_week_lets_the_living_pass_through_three_kills(
        self, timescale_server: DatabaseServer, broker: MosquittoServer, tmp_path: Path
    ) -> None:
        # 1,000 meters, seven days, a reading each quarter of an hour; a little more fills sweeps.
        said = self.backlog(timescale_server, broker, tmp_path, reading_count=691_200, kill_count=3)
        print(
            f"\nlive readings beside a backlog: p50 {said['p50_s']:.2f} p99 {said['p99_s']:.2f} s"
        )
        assert said["p99_s"] < 30


@pytest.mark.faults
class TestABurst:
    DRAINED_S_MAX = 600.0

    @pytest.mark.timeout(1500)
    def test_of_ten_times_the_load_is_taken_in_order_and_whole(
        self, timescale_server: DatabaseServer, broker: MosquittoServer, tmp_path: Path
    ) -> None:
        """A minute of the top rate, as fast as the broker takes it, one kill in the middle."""
        sent = 20_000_000
        load = Load(broker.port, "burst", 100, sent, window_messages=60_000, patience_s=1200.0)
        with (
            centre_of(timescale_server, broker, tmp_path, "burst") as centre,
            sender(load) as begin,
        ):
            end = begin()
            time.sleep(20)
            centre.kill9("ingest")
            centre.start("ingest")
            held_bytes = 0
            for _ in range(10):
                time.sleep(2)
                held_bytes = max(held_bytes, resident_bytes(centre))
            said = end()
            assert_all_counted(centre, sent=sent)
            drained_s = said["seconds"] - said["acked_s"]
            print(
                f"\nburst of {sent:,} readings: the broker took {sent / said['acked_s']:,.0f} a"
                f" second, ingest {sent / said['seconds']:,.0f}; drained {drained_s:.0f} s after,"
                f" {held_bytes / 2**20:.0f} MB at most"
            )
            assert held_bytes < RESIDENT_BYTES_MAX
            assert drained_s < self.DRAINED_S_MAX
