"""The main job on real input: a year of a steel works, a month of solar inverters."""

import asyncio
import csv
import gzip
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from deploy.embedded import PROJECT
from deploy.replay import ReplayOptions, replay
from services.files.file_map import load_map
from tests import servers
from tests.centre import Centre, example_plant
from tests.servers import DatabaseServer, MosquittoServer

pytestmark = [pytest.mark.broker, pytest.mark.database, pytest.mark.timeout(600)]

STEEL = "data/steel_industry/Steel_industry_data.csv.gz"
PV = "data/pv_plant1/Plant_1_inverter_counters.csv.gz"
MAPS = PROJECT / "deploy" / "maps"


def run_replay(centre: Centre, file: Path, *, name: str, folder: Path) -> str:
    """Run `nengtan replay` as a user does, in a folder of its own, and return what it says."""
    plant = next(plant for plant in centre.plants if plant.tenant == name)
    settings = centre.gateway(plant)
    password_file = folder / "gateway-password"
    password_file.write_text(settings.password or "", encoding="utf-8")
    environment = {
        **os.environ,
        "PYTHONPATH": str(PROJECT),
        "NENGTAN_MQTT_PORT": str(centre.broker.port),
    }
    done = subprocess.run(
        [
            *(sys.executable, "-m", "deploy.cli", "replay", str(file)),
            *("--map", str(MAPS / f"{name}.yaml")),
            *("--username", settings.username or "", "--password-file", str(password_file)),
            *("--give-up-s", "60"),
        ],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr + centre.log("ingest")
    return done.stdout


def all_results(centre: Centre) -> list[tuple[object, ...]]:
    return [tuple(row) for row in centre.rows("select * from result order by series_id, grain, ts")]


def ingest_totals(centre: Centre) -> tuple[int, ...]:
    [row] = centre.rows(
        "select sum(received)::int, sum(stored)::int, sum(duplicate)::int, sum(conflict)::int,"
        " sum(quarantined)::int from ingest_hour"
    )
    return tuple(row)


def steel_months(file: Path) -> dict[int, float]:
    """Add up the file with decimals; within a date the row stamped 00:00 is its last."""
    sums: dict[int, Decimal] = defaultdict(Decimal)
    with gzip.open(file, "rt", encoding="utf-8-sig", newline="") as text:
        for row in csv.DictReader(text):
            _day, month, _year = row["date"].split(" ")[0].split("/")
            sums[int(month)] += Decimal(row["Usage_kWh"])
    return {month: float(total) for month, total in sums.items()}


class TestSteelYear:
    def test_adds_up_to_the_file_and_takes_nothing_twice(
        self,
        database_url: str,
        broker: MosquittoServer,
        shared_folder: Path,
        tmp_path: Path,
    ) -> None:
        with Centre(
            database_url=database_url,
            broker=broker,
            plants=[example_plant("steel")],
            folder=tmp_path / "centre",
        ) as centre:
            centre.prepare()
            centre.start("ingest", "worker")
            run_replay(centre, shared_folder / STEEL, name="steel", folder=tmp_path)
            centre.wait_computed()
            assert ingest_totals(centre) == (35_040, 35_040, 0, 0, 0)
            months = {
                at.astimezone(ZoneInfo("Asia/Seoul")).month: amount
                for at, amount in centre.rows(
                    "select r.ts, r.amount from result r join series s on s.id = r.series_id"
                    " where s.kind = 'point' and r.grain = 3 and r.amount is not null"
                )
            }
            truth = steel_months(shared_folder / STEEL)
            assert months.keys() == truth.keys()
            assert len(months) == 12
            for month, energy_kwh in truth.items():
                assert months[month] == pytest.approx(energy_kwh, rel=1e-9)
            [(used_kwh,)] = centre.rows(
                "select sum(r.energy_kwh) from result r join series s on s.id = r.series_id"
                " where s.kind = 'node' and s.code = 'plant' and s.carrier = '' and r.grain = 3"
            )
            assert used_kwh == pytest.approx(959_636.71, rel=1e-9)
            before = all_results(centre)
            run_replay(centre, shared_folder / STEEL, name="steel", folder=tmp_path)
            centre.wait_computed()
            assert ingest_totals(centre) == (70_080, 35_040, 35_040, 0, 0)
            assert all_results(centre) == before

    # `make faults` kills twice as often.
    @pytest.mark.parametrize("kills_each", [3, pytest.param(6, marks=pytest.mark.faults)])
    def test_loses_and_invents_nothing_while_everything_is_killed(
        self,
        kills_each: int,
        own_database_server: DatabaseServer,
        broker: MosquittoServer,
        shared_folder: Path,
        tmp_path: Path,
    ) -> None:
        rng = random.Random(20_260_101)  # noqa: S311 - instants of kills, not secrets
        with Centre(
            database_url=servers.create_database(own_database_server),
            broker=broker,
            plants=[example_plant("steel")],
            folder=tmp_path / "centre",
        ) as centre:
            centre.prepare()
            centre.start("ingest", "worker")
            kills = asyncio.run(
                _replay_under_kills(
                    centre,
                    own_database_server,
                    shared_folder / STEEL,
                    tmp_path,
                    rng,
                    kills_each=kills_each,
                )
            )
            assert min(kills.values()) >= kills_each, kills
            centre.wait_computed()
            _check_against_history(centre, tmp_path / "outbox")
            truth = steel_months(shared_folder / STEEL)
            amounts = centre.rows(
                "select r.amount from result r join series s on s.id = r.series_id"
                " where s.kind = 'point' and r.grain = 3 and r.amount is not null order by ts"
            )
            assert [amount for (amount,) in amounts] == pytest.approx(
                list(truth.values()), rel=1e-9
            )


async def _replay_under_kills(
    centre: Centre,
    server: DatabaseServer,
    file: Path,
    folder: Path,
    rng: random.Random,
    *,
    kills_each: int,
) -> dict[str, int]:
    """Replay the year in small messages, and kill everything in turn, so many times each."""
    # A narrow window, so that the year takes long enough to be interrupted many times.
    settings = centre.gateway(
        centre.plants[0], receipt_timeout_s=2.0, window_message_count=24 // kills_each
    )
    options = ReplayOptions(message_reading_count=10, keep_receipted_days=1, give_up_s=120)
    sending = asyncio.create_task(
        replay(
            file,
            load_map(MAPS / "steel.yaml"),
            settings,
            outbox_folder=folder / "outbox",
            options=options,
        )
    )
    kills = dict.fromkeys(("ingest", "worker", "broker", "database"), 0)
    order: list[str] = []
    while not sending.done() and min(kills.values()) < kills_each:
        await asyncio.sleep(rng.uniform(0.5, 1.5))
        order = order or rng.sample(sorted(kills), k=4)
        name = order.pop()
        await asyncio.to_thread(_kill_and_restart, centre, server, name, rng.uniform(0.0, 0.5))
        kills[name] += 1
    report = await sending
    assert report.rejected_counts == {}
    return kills


def _kill_and_restart(centre: Centre, server: DatabaseServer, name: str, pause_s: float) -> None:
    if name in ("ingest", "worker"):
        centre.kill9(name)
        time.sleep(pause_s)
        centre.start(name)
        return
    victim = centre.broker if name == "broker" else server
    victim.kill9()
    time.sleep(pause_s)
    victim.start()


def _check_against_history(centre: Centre, outbox_folder: Path) -> None:
    """Compare the gateway's own history with the database, and with nothing else."""
    [outbox] = outbox_folder.glob("*.sqlite")
    with sqlite3.connect(outbox) as connection:
        bodies = connection.execute("select body from receipted order by seq").fetchall()
        waiting = connection.execute("select count(*) from message").fetchone()[0]
    sent = {
        (name, ts_ms): value
        for (body,) in bodies
        for name, ts_ms, value in msgspec.json.decode(body)["readings"]
    }
    kept = {
        (address, int(at.timestamp() * 1000)): value
        for address, at, value in centre.rows(
            "select p.address, r.ts, r.value from reading r join point p on p.id = r.point_id"
        )
    }
    assert waiting == 0
    assert len(sent) == 35_040
    assert kept == sent
    received, stored, duplicate, conflict, quarantined = ingest_totals(centre)
    assert (stored, conflict, quarantined) == (35_040, 0, 0)
    assert received == stored + duplicate
    assert centre.rows("select * from sequence_gap") == []


class TestSolarRegisters:
    def test_book_the_difference_of_every_register(
        self,
        database_url: str,
        broker: MosquittoServer,
        shared_folder: Path,
        tmp_path: Path,
    ) -> None:
        with Centre(
            database_url=database_url,
            broker=broker,
            plants=[example_plant("pv")],
            folder=tmp_path / "centre",
        ) as centre:
            centre.prepare()
            centre.start("ingest", "worker")
            run_replay(centre, shared_folder / PV, name="pv", folder=tmp_path)
            centre.wait_computed()
            before = all_results(centre)
            run_replay(centre, shared_folder / PV, name="pv", folder=tmp_path)
            centre.wait_computed()
            assert ingest_totals(centre) == (137_556, 68_778, 68_778, 0, 0)
            assert all_results(centre) == before
            case = msgspec.json.decode(
                (shared_folder / "cases/counter_pv_plant1.json").read_bytes()
            )
            truth = case["expected"]["energy_kwh_per_inverter"]
            booked = centre.rows(
                "select s.code, sum(r.amount) from result r join series s on s.id = r.series_id"
                " where s.kind = 'point' and r.grain = 2 and r.amount is not null group by s.code"
            )
            assert len(booked) == len(truth) == 22
            # The registers themselves come from the database, not from the case.
            ends = centre.rows(
                "select p.code, min(r.value), max(r.value) from reading r"
                " join point p on p.id = r.point_id group by p.code"
            )
            by_register = {code: last - first for code, first, last in ends}
            for code, energy_kwh in booked:
                assert energy_kwh == pytest.approx(by_register[code], rel=1e-9), code
            assert sorted(energy for _, energy in booked) == pytest.approx(
                sorted(truth.values()), abs=0.01
            )
