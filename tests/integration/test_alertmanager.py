"""Debian's own Alertmanager beside ours: it receives, shows and resolves our alerts."""

import contextlib
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy import supervisor
from services import clock
from services.store.pool import Database
from tests import debian, servers
from tests.alert_centre import AlertCentre, channel, migrated_with_tenant, policy
from tests.debian import ServerAbsentError
from tests.migrated import Migrated
from tests.servers import PlainServer

pytestmark = [pytest.mark.database]

PROGRAM = "usr/bin/prometheus-alertmanager"
TEMPLATES = "usr/share/prometheus/alertmanager"
SETTINGS = "route: {receiver: nobody, group_wait: 1s}\nreceivers: [{name: nobody}]\n"
READY_S = 15.0


@contextlib.contextmanager
def running(root: Path) -> Iterator[str]:
    """Run an Alertmanager on loopback, and give its address."""
    with servers.run_folder(root / "var" / "lib" / "nengtan-test") as folder:
        data = folder / "alertmanager"
        data.mkdir()
        (data / "settings.yml").write_text(SETTINGS, encoding="ascii")
        uid, gid = debian.user_ids(root, "nobody")
        for path in (folder, data):
            path.chmod(0o755)
        subprocess.run(["chown", "-R", f"{uid}:{gid}", str(data)], check=True)
        inside = f"/{data.relative_to(root)}"
        url = f"http://127.0.0.1:{supervisor.free_port()}"
        program = [
            f"/{PROGRAM}",
            "--config.file=settings.yml",
            "--storage.path=store",
            f"--web.listen-address={url.removeprefix('http://')}",
            "--cluster.listen-address=",
        ]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                debian.command(root, "nobody", inside, *program), stdout=log, stderr=log
            )
            try:
                _wait_ready(url, process, folder / "log")
                yield url
            finally:
                process.kill()
                process.wait()


def _wait_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline_s = time.monotonic() + READY_S
    while True:
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(f"{url}/-/ready").status_code == 200:
                return
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline_s, log.read_text()
        time.sleep(0.05)


@pytest.fixture
def alertmanager(debian_root: Path) -> Iterator[str]:
    try:
        debian.ensure_program(debian_root, "prometheus-alertmanager", TEMPLATES, PROGRAM)
    except ServerAbsentError as error:
        pytest.skip(f"alertmanager is absent: {error}")
    with running(debian_root) as url:
        yield url


@pytest.fixture
def migrated(plain_server: PlainServer) -> Iterator[Migrated]:
    with migrated_with_tenant(plain_server) as migrated:
        yield migrated


@pytest.fixture
async def centre(migrated: Migrated) -> AsyncIterator[AlertCentre]:
    [(tenant_id,)] = migrated.rows("select id from tenant")
    database = await Database.open(migrated.role_url("nengtan_worker"))
    yield AlertCentre(migrated, database, tenant_id)
    await database.close()


class TestAlertmanager:
    async def test_receives_shows_and_resolves_our_alert(
        self, alertmanager: str, centre: AlertCentre
    ) -> None:
        # Its clock is the wall's, so ours must be.
        centre.clock.at = clock.now()
        centre.state_policy(policy(channel("am", "alertmanager", url=alertmanager)))
        episode = await centre.fire(node="炉")
        await centre.tick()
        async with httpx.AsyncClient(base_url=f"{alertmanager}/api/v2") as client:

            async def shown() -> list[dict[str, Any]]:
                found: list[dict[str, Any]] = (await client.get("/alerts")).json()
                return found

            [alert] = await shown()
            assert alert["labels"]["node"] == "炉"
            assert alert["labels"]["alertname"] == "Over"
            assert alert["status"]["state"] in ("unprocessed", "active")
            assert alert["annotations"]["summary_zh"] == "炉 超限"
            assert alert["generatorURL"] == f"https://centre.example.com/alerts/{episode}"
            await centre.resolve(episode)
            await centre.tick()
            assert await shown() == []
        assert {fate for _, _, fate in centre.deliveries()} == {"delivered"}
