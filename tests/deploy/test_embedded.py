import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import aiomqtt
import psutil
import psycopg
import pytest

from deploy import embedded, supervisor
from deploy.access import Access
from deploy.embedded import EmbeddedBroker, EmbeddedPostgres
from tests import servers
from tests.debian import PROJECT

USERS = {
    "gateway": Access(password="g", publish=("site/+/telemetry",), subscribe=("site/g/receipt",)),
    "centre": Access(password="c", publish=("site/+/receipt", "kept"), subscribe=("site/#",)),
    "reader": Access(password="r", subscribe=("other/#",)),
}
SILENCE_S = 0.5


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not tmp_path: it stays after the run, and whether its parents are closed is not ours to say.
    with servers.run_folder(servers.RUNS) as run:
        yield run


@pytest.fixture
def postgres(folder: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(folder / "postgres")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    with servers.run_folder(servers.RUNS) as run:
        server = EmbeddedBroker(run / "broker", USERS)
        server.start()
        yield server
        server.stop()


def client(broker: EmbeddedBroker, user: str, **options: object) -> aiomqtt.Client:
    settings = {"username": user, "password": USERS[user].password, **options}
    return aiomqtt.Client("127.0.0.1", broker.port, **settings)  # type: ignore[arg-type]


def write(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS value")


def read(server: EmbeddedPostgres) -> object:
    with psycopg.connect(server.url()) as connection:
        return connection.execute("SELECT value FROM kept").fetchone()


class TestEmbeddedPostgres:
    def test_has_checksums_and_asks_for_a_password(self, postgres: EmbeddedPostgres) -> None:
        with psycopg.connect(postgres.url()) as connection:
            assert connection.execute("SHOW data_checksums").fetchone() == ("on",)
        nameless = re.sub(r":[^:@/]+@", "@", postgres.url())
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(nameless)

    def test_keeps_its_password_from_others(self, postgres: EmbeddedPostgres) -> None:
        assert (postgres.folder / "password").stat().st_mode & 0o777 == 0o600

    def test_writes_nothing_outside_its_folder(self, postgres: EmbeddedPostgres) -> None:
        with psycopg.connect(postgres.url()) as connection:
            row = connection.execute("SHOW unix_socket_directories").fetchone()
        assert row == ("",)

    def test_starts_again_on_its_data_after_a_clean_stop(self, folder: Path) -> None:
        first = EmbeddedPostgres(folder / "postgres")
        first.start()
        write(first)
        first.stop()
        second = EmbeddedPostgres(folder / "postgres")
        second.start()
        assert read(second) == (1,)
        second.stop()

    def test_starts_again_after_every_process_was_killed(
        self,
        postgres: EmbeddedPostgres,
    ) -> None:
        write(postgres)
        postgres.kill9()
        postgres.start()
        assert read(postgres) == (1,)

    def test_clears_away_the_orphans_of_a_killed_postmaster(
        self,
        postgres: EmbeddedPostgres,
    ) -> None:
        write(postgres)
        with psycopg.connect(postgres.url(), autocommit=True) as busy:
            row = busy.execute("SELECT pg_backend_pid()").fetchone()
            assert row is not None
            # A stopped backend cannot notice that its postmaster has gone.
            os.kill(row[0], signal.SIGSTOP)
            postmaster = int((postgres.data_folder / "postmaster.pid").read_text().split()[0])
            os.kill(postmaster, signal.SIGKILL)
            successor = EmbeddedPostgres(postgres.folder)
            embedded.BACKEND_EXIT_TIMEOUT_S, before = 0.5, embedded.BACKEND_EXIT_TIMEOUT_S
            try:
                successor.start()
            finally:
                embedded.BACKEND_EXIT_TIMEOUT_S = before
        assert read(successor) == (1,)
        successor.stop()
        # Killed, it may stay a zombie where process 1 collects nothing: that is no longer alive.
        assert not supervisor.processes_working_in(postgres.data_folder)

    def test_ignores_a_pid_file_that_names_a_stranger(self, folder: Path) -> None:
        server = EmbeddedPostgres(folder / "postgres")
        server.start()
        write(server)
        server.stop()
        stranger = subprocess.Popen(["sleep", "60"])
        (server.data_folder / "postmaster.pid").write_text(f"{stranger.pid}\n")
        server.start()
        assert read(server) == (1,)
        assert stranger.poll() is None
        stranger.kill()
        stranger.wait()
        server.stop()

    def test_makes_the_cluster_anew_after_a_killed_initdb(self, folder: Path) -> None:
        server = EmbeddedPostgres(folder / "postgres")
        unfinished = server.folder / "data.new"
        unfinished.mkdir(parents=True)
        (unfinished / "PG_VERSION").write_text("18")
        server.start()
        write(server)
        server.stop()
        assert not unfinished.exists()

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can close a folder to its database")
    def test_works_as_root_in_a_closed_folder(self, folder: Path) -> None:
        folder.chmod(0o700)
        server = EmbeddedPostgres(folder / "postgres")
        server.start()
        write(server)
        postmaster = int((server.data_folder / "postmaster.pid").read_text().split()[0])
        status = Path(f"/proc/{postmaster}/status").read_text()
        assert psutil.Process(postmaster).uids().effective != 0
        # One capability at most: reading and passing, not writing.
        assert status.split("CapEff:")[1].split()[0].lstrip("0") == "4"
        server.stop()

    @pytest.mark.skipif(not Path("/proc").exists(), reason="needs Linux")
    def test_dies_with_the_program_that_started_it(self, folder: Path) -> None:
        program = (
            "import os, signal, sys; from pathlib import Path\n"
            "from deploy.embedded import EmbeddedPostgres\n"
            "EmbeddedPostgres(Path(sys.argv[1])).start()\n"
            "os.kill(os.getpid(), signal.SIGKILL)\n"
        )
        subprocess.run(
            [sys.executable, "-c", program, str(folder / "postgres")],
            cwd=PROJECT,
            check=False,
            timeout=60,
        )
        for _ in range(100):
            if not supervisor.processes_working_in(folder):
                return
            time.sleep(supervisor.POLL_S)
        pytest.fail("the database outlived its parent")


class TestEmbeddedBroker:
    async def test_carries_a_message_of_one_megabyte(self, broker: EmbeddedBroker) -> None:
        payload = b"x" * 1_000_000
        async with client(broker, "centre") as centre, client(broker, "gateway") as gateway:
            await centre.subscribe("site/#", qos=1)
            await gateway.publish("site/g/telemetry", payload, qos=1)
            async with asyncio.timeout(10):
                message = await anext(aiter(centre.messages))
        assert message.payload == payload

    @pytest.mark.parametrize(
        ("user", "password"),
        [("gateway", "wrong"), ("nobody", "g"), ("", ""), (None, None)],
    )
    async def test_refuses_strangers(
        self,
        broker: EmbeddedBroker,
        user: str | None,
        password: str | None,
    ) -> None:
        stranger = aiomqtt.Client("127.0.0.1", broker.port, username=user, password=password)
        with pytest.raises(aiomqtt.MqttError):
            async with stranger:
                pass

    async def test_delivers_nothing_from_a_topic_that_is_not_granted(
        self,
        broker: EmbeddedBroker,
    ) -> None:
        async with client(broker, "centre") as centre, client(broker, "gateway") as gateway:
            await centre.subscribe("site/#", qos=1)
            await gateway.publish("site/g/receipt", b"forged", qos=1)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(SILENCE_S):
                    await anext(aiter(centre.messages))

    @pytest.mark.parametrize("asked", ["#", "site/#", "site/+/receipt", "site/other/receipt"])
    async def test_refuses_subscriptions_wider_than_granted(
        self,
        broker: EmbeddedBroker,
        asked: str,
    ) -> None:
        async with client(broker, "gateway") as gateway:
            codes = await gateway.subscribe(asked, qos=1)
        assert [getattr(code, "value", code) for code in codes] == [0x80]

    async def test_keeps_retained_messages_from_those_who_did_not_subscribe(
        self,
        broker: EmbeddedBroker,
    ) -> None:
        async with client(broker, "centre") as centre:
            await centre.subscribe("site/#", qos=1)
            await centre.publish("site/x/receipt", b"private", qos=1, retain=True)
            async with client(broker, "reader", clean_session=False, identifier="r") as reader:
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(SILENCE_S):
                        await anext(aiter(reader.messages))
            await centre.publish("site/x/receipt", b"", qos=1, retain=True)

    async def test_refuses_a_last_will_that_is_not_granted(self, broker: EmbeddedBroker) -> None:
        will = aiomqtt.Will("site/g/receipt", b"forged", qos=1)
        with pytest.raises(aiomqtt.MqttError):
            async with client(broker, "gateway", will=will):
                pass

    async def test_keeps_messages_for_a_session_that_is_away(self, broker: EmbeddedBroker) -> None:
        options: dict[str, object] = {"clean_session": False, "identifier": "shard-1"}
        async with client(broker, "centre", **options) as centre:
            await centre.subscribe("site/#", qos=1)
        async with client(broker, "gateway") as gateway:
            await gateway.publish("site/g/telemetry", b"while away", qos=1)
        async with client(broker, "centre", **options) as centre, asyncio.timeout(10):
            message = await anext(aiter(centre.messages))
        assert message.payload == b"while away"

    def test_keeps_the_passwords_from_others(self, broker: EmbeddedBroker) -> None:
        assert (broker.folder / "broker.json").stat().st_mode & 0o777 == 0o600
