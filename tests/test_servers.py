import asyncio
from pathlib import Path

import aiomqtt
import psycopg
import pytest

from tests import servers
from tests.servers import DatabaseServer, MosquittoServer


@pytest.mark.database
class TestDatabaseServer:
    def test_gives_an_empty_database_of_the_tests_own(self, database_url: str) -> None:
        with psycopg.connect(database_url) as connection:
            row = connection.execute(
                "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'",
            ).fetchone()
        assert row == (0,)

    @pytest.mark.parametrize("name", ["fsync", "synchronous_commit", "full_page_writes"])
    def test_keeps_durability_on(self, database_url: str, name: str) -> None:
        with psycopg.connect(database_url) as connection:
            row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
        assert row == ("on",)

    def test_keeps_what_was_committed_when_every_process_is_killed(
        self,
        database_server: DatabaseServer,
        database_url: str,
    ) -> None:
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS value")
            database_server.kill9()
        database_server.start()
        with psycopg.connect(database_url) as connection:
            assert connection.execute("SELECT value FROM kept").fetchall() == [(1,)]

    def test_copies_a_template(self, database_server: DatabaseServer, database_url: str) -> None:
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute("CREATE TABLE made AS SELECT 1 AS value")
            if database_server.tier == "timescaledb":
                connection.execute("CREATE EXTENSION timescaledb")
            name = connection.info.dbname
        copy = servers.create_database(database_server, template=name)
        try:
            with psycopg.connect(copy) as connection:
                assert connection.execute("SELECT value FROM made").fetchall() == [(1,)]
        finally:
            servers.drop_database(database_server, copy)


@pytest.mark.broker
class TestMosquittoServer:
    async def test_carries_a_message_of_one_megabyte(
        self,
        mosquitto_server: MosquittoServer,
    ) -> None:
        payload = b"x" * 1_000_000
        async with aiomqtt.Client(
            "127.0.0.1",
            mosquitto_server.port,
            username="everything",
            password="everything",
        ) as client:
            await client.subscribe("big", qos=1)
            await client.publish("big", payload, qos=1)
            async with asyncio.timeout(10):
                message = await anext(aiter(client.messages))
        assert message.payload == payload

    async def test_refuses_a_wrong_password(self, mosquitto_server: MosquittoServer) -> None:
        client = aiomqtt.Client(
            "127.0.0.1",
            mosquitto_server.port,
            username="everything",
            password="wrong",
        )
        with pytest.raises(aiomqtt.MqttError):
            async with client:
                pass

    def test_restarts_on_the_same_port_after_a_kill(
        self,
        own_mosquitto_server: MosquittoServer,
    ) -> None:
        own_mosquitto_server.start()
        port = own_mosquitto_server.port
        own_mosquitto_server.kill9()
        own_mosquitto_server.start()
        assert own_mosquitto_server.port == port


class TestRunFolder:
    def test_removes_what_a_killed_run_left_and_spares_the_living(self, tmp_path: Path) -> None:
        abandoned = tmp_path / "dead"
        abandoned.mkdir()
        with servers.run_folder(tmp_path) as first, servers.run_folder(tmp_path) as second:
            assert first.exists()
            assert second.exists()
            assert not abandoned.exists()
        assert not first.exists()
