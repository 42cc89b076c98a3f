"""The live tick: what flows now, told every second, honest about what is not known."""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from ingest import live_tick
from ingest.live_tick import LiveTick
from ingest.tick import Worker
from services import clock
from services.lease import keep_lease
from services.site_model import SiteModels
from services.store import events, ledger, readings
from services.store.pool import Database
from tests.migrated import NAME, START, Migrated, SmallPlant, us

pytestmark = [pytest.mark.database]

SECOND = timedelta(seconds=1)
NOW = START + timedelta(hours=9, minutes=20)
POINTS: list[dict[str, Any]] = [
    {"code": "P1", "kind": "register", "unit": "kWh"},
    {"code": "P2", "kind": "gauge", "unit": "kW", "hold_seconds": 300},
    {"code": "P3", "kind": "interval", "unit": "kWh", "period_minutes": 15, "stamp": "end"},
]


def plant(tenant: str = "acme", **more: Any) -> SmallPlant:
    return SmallPlant(tenant=tenant, points=POINTS, more=more)


def send(
    migrated: Migrated,
    sender: SmallPlant,
    *,
    until: datetime = NOW,
    since: datetime = NOW - timedelta(minutes=10),
    only: Sequence[str] = ("P1", "P2", "P3"),
    power_kw: float = 120.0,
    seq: int = 1,
) -> None:
    """Take in 120 kW of a register and 60 kW of a gauge every 5 s, and quarters of 15 kWh."""
    count = int((until - since) / SECOND) // 5
    instants = [since + 5 * n * SECOND for n in range(count + 1)]
    rows: list[tuple[str, datetime, object]] = []
    if "P1" in only:
        rows += [("P1", at, power_kw * ((at - START) / timedelta(hours=1))) for at in instants]
    if "P2" in only:
        rows += [("P2", at, 60.0) for at in instants]
    if "P3" in only:
        rows += [("P3", NOW - timedelta(minutes=m), 15.0) for m in (35, 20, 5)]
    migrated.ingest([sender.delivery(rows, seq=seq)], at=until)


def tick(migrated: Migrated, *, at: datetime = NOW, drain: bool = True) -> None:
    async def work(database: Database) -> None:
        if drain:
            await Worker(database).drain()
        await LiveTick(database, SiteModels()).tick(at)

    migrated.run("nengtan_worker", work)


def newest(migrated: Migrated, tenant: str = "acme") -> dict[str, Any]:
    rows = migrated.rows(
        "select e.payload from event e join tenant t on t.id = e.tenant_id"
        " where t.code = %s and e.kind = 'live' order by seq desc limit 1",
        tenant,
    )
    payload: dict[str, Any] = rows[0][0]
    return payload


def by_code(columns: dict[str, list[Any]]) -> dict[str, dict[str, Any]]:
    names = [name for name in columns if name != "code"]
    return {
        code: {name: columns[name][index] for name in names}
        for index, code in enumerate(columns["code"])
    }


class TestTick:
    def test_tells_what_flows_now(self, migrated: Migrated) -> None:
        migrated.install(plant().plant())
        send(migrated, plant())
        tick(migrated)
        told = newest(migrated)
        flows = by_code(told["flow"])
        assert flows["to-hall-P1"]["power_kw"] == pytest.approx(120.0)
        assert flows["to-hall-P1"]["grade"] == "good"
        assert flows["to-hall-P1"]["emission_kgco2e_per_h"] > 0
        assert flows["to-hall-P2"]["power_kw"] == 60.0
        # The last closed period of a load recorder, marked as what it is.
        assert flows["to-hall-P3"]["power_kw"] == pytest.approx(60.0)
        assert flows["to-hall-P3"]["grade"] == "uncertain"
        hall = by_code(told["node"])["hall"]
        assert hall["power_kw"] == pytest.approx(240.0)
        assert hall["intensity_kgco2e_per_kwh"] == pytest.approx(
            hall["emission_kgco2e_per_h"] / 240.0
        )
        assert told["window_end"] == told["newest_reading"] == "2025-03-10T09:20:00Z"
        assert told["interval_start"] == "2025-03-10T09:15:00Z"
        assert told["interval_end"] == "2025-03-10T09:30:00Z"
        assert told["day_start"] == "2025-03-10T00:00:00Z"
        assert told["members"] is None

    def test_tells_where_units_to_benchmark_stand(self, migrated: Migrated) -> None:
        """120 kW to 60 t/h: 2 kWh/t in every hour, and at the end of the day and the month."""
        sender = SmallPlant(
            points=[{"code": "P1", "kind": "register", "unit": "kWh"}],
            valid_from=START - timedelta(days=2),
            more={
                "meters": [
                    {
                        "code": f"M-{code}",
                        "name": NAME,
                        "gateway": "gw",
                        "points": [{"code": code, "kind": "register", "unit": unit}],
                    }
                    for code, unit in (("P1", "kWh"), ("P2", "t"))
                ],
                "products": [
                    {
                        "code": "iron",
                        "name": NAME,
                        "unit": "t",
                        "node": "hall",
                        "metered_by": [{"point": "P2"}],
                    }
                ],
                "benchmarks": [
                    {
                        "code": "iron-power",
                        "name": NAME,
                        "kind": "product",
                        "unit": "kWh/t",
                        "nodes": ["hall"],
                        "product": "iron",
                        "targets": [{"value": 1.5, "from": "2025-01-01", "source": "agreed"}],
                    }
                ],
            },
        )
        migrated.install(sender.plant())
        since = START - timedelta(days=2)
        quarters = int((NOW - since) / timedelta(minutes=5))
        instants = [since + n * timedelta(minutes=5) for n in range(quarters + 1)]
        rows: list[tuple[str, datetime, object]] = [
            (code, at, rate * ((at - since) / timedelta(hours=1)))
            for at in instants
            for code, rate in (("P1", 120.0), ("P2", 60.0))
        ]
        migrated.ingest([sender.delivery(rows)], at=NOW)
        tick(migrated)
        told = newest(migrated)["benchmark"]
        for period in ("day", "month"):
            unit = by_code(told[period])["iron-power"]
            assert unit["value"] == pytest.approx(2.0)
            assert unit["forecast"] == pytest.approx(2.0)
            assert unit["aim"] == "target"
            assert unit["level"] is None
        day = by_code(told["day"])["iron-power"]
        assert day["grade"] == "good"
        assert day["low"] == pytest.approx(2.0, abs=1e-6)
        # 1,440 t of the whole day would need 720 kWh less.
        assert day["gap_tce"] == pytest.approx(720.0 * 0.1229 / 1000.0)

    def test_tells_no_benchmarks_of_a_plant_without_any(self, migrated: Migrated) -> None:
        migrated.install(plant().plant())
        send(migrated, plant())
        tick(migrated)
        assert newest(migrated)["benchmark"] is None

    def test_sums_are_the_stored_ones(self, migrated: Migrated) -> None:
        migrated.install(plant().plant())
        send(migrated, plant())
        tick(migrated)
        told = newest(migrated)
        for name, grain in (("interval", 0), ("day", 2)):
            [(energy, coal, equal, direct, purchased)] = migrated.rows(
                "select energy_kwh, coal_equivalent_tce, coal_equal_tce, emission_direct_tco2e,"
                " emission_purchased_tco2e from result r join series s on s.id = r.series_id"
                " where s.kind = 'node' and s.carrier = '' and s.is_root and r.grain = %s"
                " order by ts desc limit 1",
                grain,
            )
            assert told[name]["energy_kwh"] == energy
            assert told[name]["coal_equivalent_tce"] == coal
            assert told[name]["coal_equal_tce"] == equal
            assert told[name]["emission_tco2e"] == direct + purchased
        assert told["interval"]["energy_kwh"] > 0
        # Ten minutes of nine hours were measured.
        assert told["day"]["covered_share"] < 0.05
        assert told["day"]["grade"] == "uncertain"

    def test_calls_an_open_interval_good_that_lacks_nothing(self, migrated: Migrated) -> None:
        sender = SmallPlant(points=POINTS[:2])
        migrated.install(sender.plant())
        send(migrated, sender, only=("P1", "P2"))
        tick(migrated)
        told = newest(migrated)
        assert told["interval"]["grade"] == "good"
        assert told["interval"]["covered_share"] == pytest.approx(1.0)
        assert told["interval"]["energy_kwh"] == pytest.approx(180.0 / 12)

    def test_says_null_for_a_meter_that_fell_silent(self, migrated: Migrated) -> None:
        migrated.install(plant().plant())
        send(migrated, plant())
        send(migrated, plant(), since=NOW, until=NOW + timedelta(minutes=6), only=("P1",), seq=2)
        for minutes, expected in ((4, 60.0), (6, None)):
            tick(migrated, at=NOW + timedelta(minutes=minutes))
            told = by_code(newest(migrated)["flow"])
            assert told["to-hall-P1"]["power_kw"] == pytest.approx(120.0)
            assert told["to-hall-P2"]["power_kw"] == expected
            assert told["to-hall-P2"]["grade"] == ("uncertain" if expected else "bad")

    def test_does_not_stand_still_when_the_site_falls_silent(self, migrated: Migrated) -> None:
        migrated.install(plant().plant())
        send(migrated, plant())
        tick(migrated, at=NOW + timedelta(seconds=20))
        assert by_code(newest(migrated)["flow"])["to-hall-P1"]["power_kw"] == pytest.approx(120.0)
        tick(migrated, at=NOW + timedelta(minutes=2))
        told = newest(migrated)
        assert by_code(told["flow"])["to-hall-P1"]["power_kw"] is None
        assert told["newest_reading"] == "2025-03-10T09:20:00Z"
        assert told["window_end"] == "2025-03-10T09:21:30Z"
        tick(migrated, at=NOW + timedelta(hours=30))
        told = newest(migrated)
        assert set(told["flow"]["power_kw"]) == {None}
        assert told["newest_reading"] == "2025-03-10T09:20:00Z"
        assert told["day"]["energy_kwh"] is None

    def test_waits_for_no_backlog(self, migrated: Migrated) -> None:
        migrated.install(plant().plant())
        send(migrated, plant())
        tick(migrated, drain=False)
        told = newest(migrated)
        assert by_code(told["flow"])["to-hall-P1"]["power_kw"] == pytest.approx(120.0)
        assert told["day"]["energy_kwh"] is None

    def test_is_not_led_by_a_clock_that_is_ahead(self, migrated: Migrated) -> None:
        migrated.install(plant().plant())
        send(migrated, plant())
        ahead = NOW + timedelta(seconds=90)
        migrated.ingest([plant().delivery([("P2", ahead, 61.0)], seq=3)], at=NOW)
        tick(migrated)
        told = newest(migrated)
        assert told["window_end"] == "2025-03-10T09:20:00Z"
        assert by_code(told["flow"])["to-hall-P2"]["power_kw"] == pytest.approx(60.0)

    def test_tells_each_tenant_its_own(self, migrated: Migrated) -> None:
        migrated.install(plant("acme").plant(), plant("bolt").plant())
        send(migrated, plant("acme"))
        send(migrated, plant("bolt"), power_kw=7.0)
        tick(migrated)
        assert by_code(newest(migrated, "acme")["flow"])["to-hall-P1"]["power_kw"] == (
            pytest.approx(120.0)
        )
        assert by_code(newest(migrated, "bolt")["flow"])["to-hall-P1"]["power_kw"] == (
            pytest.approx(7.0)
        )

    def test_lets_no_site_that_fails_hold_up_another(self, migrated: Migrated) -> None:
        migrated.install(plant("acme").plant(), plant("bolt").plant())
        send(migrated, plant("bolt"))
        migrated.execute(
            "update plant_version set document = jsonb_set(document, '{region}', '\"999999\"')"
            " where tenant_id = (select id from tenant where code = 'acme')"
        )
        tick(migrated, drain=False)
        assert migrated.rows(
            "select t.code from event e join tenant t on t.id = e.tenant_id where e.kind = 'live'"
        ) == [("bolt",)]

    def test_keeps_minutes_only(self, migrated: Migrated) -> None:
        migrated.install(plant().plant())

        async def work(database: Database) -> None:
            live = LiveTick(database, SiteModels())
            for second in range(0, 400, 2):
                await live.tick(NOW + second * SECOND)

        migrated.run("nengtan_worker", work)
        [(count,)] = migrated.rows("select count(*) from event where kind = 'live'")
        seconds = int(events.LIVE_KEPT / SECOND)
        assert seconds / 2 < count <= seconds / 2 + 11

    def test_trimming_leaves_live_events_out_of_the_count(
        self, migrated: Migrated, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        migrated.install(plant().plant())
        send(migrated, plant())
        tick(migrated)
        for _ in range(5):
            tick(migrated, drain=False)
        monkeypatch.setattr(events, "KEPT_COUNT", 1)

        async def work(database: Database) -> None:
            async with database.transaction() as connection:
                await events.trim_events(connection)

        migrated.run("nengtan_worker", work)
        rows = migrated.rows("select kind, count(*) from event group by kind order by kind")
        assert rows == [("live", 6), ("results", 1)]


class TestIngest:
    def test_is_seen_to_run_and_to_die(self, migrated: Migrated) -> None:
        migrated.install(plant().plant())

        async def work(database: Database) -> list[bool]:
            ingest = await Database.open(migrated.role_url("nengtan_ingest"))
            live = LiveTick(database, SiteModels())
            seen = []

            async def tell() -> None:
                await live.tick(NOW)
                seen.append((await asyncio.to_thread(newest, migrated))["services"]["ingest"])

            await tell()
            held = asyncio.Event()
            task = asyncio.create_task(keep_lease(ingest, "ingest centre", held=held))
            await held.wait()
            await tell()
            # As the kernel ends the connection of a process that is killed.
            await asyncio.to_thread(
                migrated.rows,
                "select pg_terminate_backend(pid, 10000) from pg_locks where locktype = 'advisory'"
                " and pid <> pg_backend_pid()",
            )
            await tell()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await ingest.close()
            return seen

        assert migrated.run("nengtan_worker", work) == [False, True, False]


class TestPark:
    def park(self) -> SmallPlant:
        return SmallPlant(
            tenant="park",
            points=[POINTS[0]],
            more={
                "kind": "park",
                "members": [
                    {"tenant": code, "node": "hall", "valid_from": START.isoformat()}
                    for code in ("acme", "bolt")
                ],
            },
        )

    def test_tells_the_day_of_members_that_consent(self, migrated: Migrated) -> None:
        acme, bolt = plant("acme", park="park"), plant("bolt")
        migrated.install(self.park().plant(), acme.plant(), bolt.plant())
        for sender in (acme, bolt):
            send(migrated, sender)
        tick(migrated)
        [member] = newest(migrated, "park")["members"]
        assert member["member_code"] == "acme"
        assert member["name_en"] == NAME["en"]
        assert member["site_code"] == "main"
        own = newest(migrated, "acme")["day"]
        for name in ("energy_kwh", "coal_equivalent_tce", "coal_equal_tce", "emission_tco2e"):
            assert member["day"][name] == own[name]
        assert set(member["day"]) == set(own)

    def test_tells_nothing_of_before_the_consent(self, migrated: Migrated) -> None:
        migrated.install(self.park().plant(), plant("acme", park="park").plant())
        send(migrated, plant("acme"))
        migrated.execute("update park_consent set valid_from = '2025-03-10T01:00:00Z'")
        tick(migrated)
        [member] = newest(migrated, "park")["members"]
        assert member["day"]["energy_kwh"] is None


class TestNews:
    def test_keeps_what_it_read_and_tells_what_stands(self, migrated: Migrated) -> None:
        """Late, old and new readings: after each bell as if all had been read anew."""
        sender, random = plant(), np.random.default_rng(20261126)
        migrated.install(sender.plant())
        send(migrated, sender)

        def arriving(at: datetime, number: int) -> list[tuple[str, datetime, object]]:
            return [
                (
                    str(random.choice(["P1", "P2"])),
                    at - int(random.choice([0, 1, 20, 70, 170, 235, 400, 30_000])) * SECOND,
                    random.uniform(0, 2000) + number,
                )
                for _ in range(random.integers(4))
            ]

        async def work(database: Database) -> None:
            kept = LiveTick(database, SiteModels())
            async with database.listen("nengtan_dirty") as connection:
                with kept.hearing():
                    at = NOW
                    for number in range(20):
                        at += int(random.choice([250, 1_001, 3_007])) * timedelta(milliseconds=1)
                        if rows := arriving(at, number):
                            delivery = sender.delivery(rows, seq=10 + number)
                            await asyncio.to_thread(migrated.ingest, [delivery], at=at)
                            async for notice in connection.notifies(timeout=20, stop_after=1):
                                kept.hear(notice.payload)
                        await kept.tick(at)
                        told = await asyncio.to_thread(newest, migrated)
                        await LiveTick(database, SiteModels()).tick(at)
                        assert told == await asyncio.to_thread(newest, migrated), number

        migrated.run("nengtan_worker", work)

    def test_reads_little_again(self, migrated: Migrated, monkeypatch: pytest.MonkeyPatch) -> None:
        migrated.install(plant().plant())
        send(migrated, plant())
        read: list[int] = []
        window = readings.read_window

        async def counted(*arguments: Any, **named: Any) -> list[Any]:
            columns = await window(*arguments, **named)
            read.append(len(columns[0]))
            return columns

        monkeypatch.setattr(readings, "read_window", counted)

        async def work(database: Database) -> None:
            live = LiveTick(database, SiteModels())
            with live.hearing():
                await live.tick(NOW)
                first, read[:] = sum(read), []
                live.hear(f"{site_id} {us(NOW - 4 * SECOND)} {us(NOW)}")
                await live.tick(NOW + SECOND)
                assert (first > 90, sum(read)) == (True, 2)
            # What was not heard may have been missed.
            read.clear()
            await live.tick(NOW + 2 * SECOND)
            assert sum(read) > 90

        [(site_id,)] = migrated.rows("select id from site")
        migrated.run("nengtan_worker", work)

    def test_is_told_at_once_of_the_sites_that_have_some(
        self, migrated: Migrated, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        migrated.install(plant("acme").plant(), plant("bolt").plant())
        # A second that has just begun, and does not pass.
        monkeypatch.setattr(clock, "now_us", lambda: us(NOW))
        monkeypatch.setattr(clock, "now", lambda: NOW)
        # The pause is half of it at least, however long a tick takes.
        monkeypatch.setattr(live_tick, "_NEWS_PERIOD_S", 0.6)
        sites: dict[str, int] = dict(
            migrated.rows("select t.code, s.id from site s join tenant t on t.id = s.tenant_id")
        )

        def told() -> list[str]:
            rows = migrated.rows(
                "select t.code from event e join tenant t on t.id = e.tenant_id"
                " where e.kind = 'live' order by seq"
            )
            return [code for (code,) in rows]

        async def work(database: Database) -> None:
            live = LiveTick(database, SiteModels())
            with live.hearing():
                await live.tick(clock.now())
                assert sorted(told()) == ["acme", "bolt"]
                # A backlog is nothing that flows now.
                live.hear(f"{sites['bolt']} {us(START)} {us(START)}")
                live.hear(f"{sites['acme']} {us(NOW)} {us(NOW)}")
                await live.step()
                assert told()[2:] == ["acme"]
                began_s = time.monotonic()
                live.hear(f"{sites['acme']} {us(NOW)} {us(NOW)}")
                await live.step()
                assert time.monotonic() - began_s > 0.15
                await live.step()
                assert sorted(told()[4:]) == ["acme", "bolt"]

        migrated.run("nengtan_worker", work)

    def test_is_not_all_old_because_another_point_sends_a_backlog(self, migrated: Migrated) -> None:
        sender = plant()
        migrated.install(sender.plant())
        rows: list[tuple[str, datetime, object]] = [
            ("P1", START, 0.0),
            ("P2", NOW - SECOND, 5.0),
            ("P2", NOW, 6.0),
        ]

        async def work(database: Database) -> list[str]:
            async with database.listen("nengtan_dirty") as connection:
                await asyncio.to_thread(migrated.ingest, [sender.delivery(rows)], at=NOW)
                return [notice.payload async for notice in connection.notifies(timeout=1.0)]

        [(site_id,)] = migrated.rows("select id from site")
        [said] = migrated.run("nengtan_worker", work)
        assert ledger.heard(said) == ledger.Arrived(site_id, us(NOW - SECOND), us(NOW))
        assert ledger.heard("") is None
