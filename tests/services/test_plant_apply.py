"""A description becomes the newest of its site: whole, once, and only where it belongs."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from compute.errors import NengtanError
from deploy import admin
from ingest.tick import Worker
from services import consumption
from services.plant.apply import Applied, ClockworkFixed, WrongTenant, apply_plant
from services.plant.model import Plant
from services.store.pool import Database
from services.store.topology import TenantRefused, TopicTaken
from tests.migrated import NAME, START, Migrated, SmallPlant
from tests.services.tariffs import flat

pytestmark = [pytest.mark.database]

P1: dict[str, Any] = {"code": "P1", "kind": "register", "unit": "kWh"}
P2: dict[str, Any] = {"code": "P2", "kind": "register", "unit": "kWh"}
HOUR = timedelta(hours=1)


def apply(migrated: Migrated, plant: Plant) -> Applied:
    return migrated.run("nengtan_admin", lambda database: admin.apply(database, plant))


def points(migrated: Migrated) -> dict[str, tuple[int, str, bool]]:
    rows = migrated.rows("select code, id, address, active from point")
    return {code: (number, address, active) for code, number, address, active in rows}


class TestApplyPlant:
    def test_makes_one_version_of_one_text(self, migrated: Migrated) -> None:
        migrated.install(SmallPlant().plant())
        again = apply(migrated, SmallPlant().plant())
        assert (again.version, again.changed) == (1, False)
        other = apply(migrated, SmallPlant(points=[P1]).plant())
        assert (other.version, other.changed) == (2, True)
        back = apply(migrated, SmallPlant().plant())
        assert (back.version, back.changed) == (3, True)

    def test_records_who_changed_it(self, migrated: Migrated) -> None:
        migrated.install(SmallPlant().plant())
        apply(migrated, SmallPlant(points=[P1]).plant())
        rows = migrated.rows(
            "select action, object_code, before, after ->> 'version', actor from change_record"
            " where action = 'plant.apply' order by id"
        )
        assert [row[:4] for row in rows] == [
            ("plant.apply", "main", None, "1"),
            ("plant.apply", "main", {"version": 1}, "2"),
        ]
        assert all(row[4] for row in rows)

    def test_gives_a_point_its_number_for_good(self, migrated: Migrated) -> None:
        migrated.install(SmallPlant(points=[P1, P2]).plant())
        before = points(migrated)
        apply(migrated, SmallPlant(points=[P2]).plant())
        assert [active for _, _, active in points(migrated).values()] == [False, True]
        apply(migrated, SmallPlant(points=[P1, P2]).plant())
        assert points(migrated) == before

    def test_may_swap_the_addresses_of_two_points(self, migrated: Migrated) -> None:
        first = [{**P1, "address": "a"}, {**P2, "address": "b"}]
        swapped = [{**P1, "address": "b"}, {**P2, "address": "a"}]
        migrated.install(SmallPlant(points=first).plant())
        apply(migrated, SmallPlant(points=swapped).plant())
        assert [address for _, address, _ in points(migrated).values()] == ["b", "a"]

    def test_lets_a_new_point_take_the_address_of_one_that_is_gone(
        self, migrated: Migrated
    ) -> None:
        migrated.install(SmallPlant(points=[{**P1, "address": "a"}]).plant())
        apply(migrated, SmallPlant(points=[{**P2, "address": "a"}]).plant())
        assert {code: row[1:] for code, row in points(migrated).items()} == {
            "P1": ("a", False),
            "P2": ("a", True),
        }

    def test_keeps_the_earliest_start_of_a_point(self, migrated: Migrated) -> None:
        migrated.install(SmallPlant(points=[P1]).plant())
        apply(migrated, SmallPlant(points=[P1], valid_from=START + HOUR).plant())
        assert migrated.rows("select valid_from from point") == [(START,)]

    @pytest.mark.parametrize(
        ("valid_from", "marked"),
        [
            (START + HOUR, [(START + HOUR, START + 3 * HOUR + timedelta(microseconds=1))]),
            (START + 3 * HOUR, [(START + 3 * HOUR, START + 3 * HOUR + timedelta(microseconds=1))]),
            (START + 4 * HOUR, []),
        ],
    )
    def test_has_its_time_computed_again_up_to_the_last_reading(
        self, migrated: Migrated, valid_from: Any, marked: list[Any]
    ) -> None:
        migrated.install(SmallPlant(points=[P1]).plant())
        migrated.execute(
            "insert into point_state (point_id, tenant_id, first_ts, last_ts, last_quality)"
            f" select id, tenant_id, '{START}', '{START + 3 * HOUR}', 0 from point"
        )
        apply(migrated, SmallPlant(points=[P1], valid_from=valid_from).plant())
        rows = migrated.rows("select start_ts[1], end_ts[1] from dirty where point_ids is null")
        assert [tuple(row) for row in rows] == marked

    def test_is_all_or_nothing(self, migrated: Migrated) -> None:
        migrated.install(SmallPlant(tenant="one").plant())
        taken = {
            "gateways": [{"code": "gw", "form": "neuron", "topic": "plc", "class": "best_effort"}]
        }
        migrated.install(SmallPlant(tenant="two", more=taken).plant())
        before = migrated.rows("select count(*) from plant_version")
        with pytest.raises(TopicTaken) as caught:
            apply(migrated, SmallPlant(tenant="one", more=taken).plant())
        # It does not tell whose it is.
        assert "two" not in str(caught.value)
        assert migrated.rows("select count(*) from plant_version") == before
        assert migrated.rows(
            "select g.form from gateway g join tenant t on t.id = g.tenant_id where t.code = 'one'"
        ) == [("nengtan",)]

    def test_keeps_how_a_site_counts_time_once_there_are_readings(self, migrated: Migrated) -> None:
        migrated.install(SmallPlant(points=[P1]).plant())
        moved = SmallPlant(points=[P1], time_zone="Asia/Shanghai", valid_from=START + HOUR)
        assert apply(migrated, moved.plant()).changed, "nothing was read yet"
        migrated.execute(
            "insert into point_state (point_id, tenant_id, first_ts, last_ts, last_quality)"
            f" select id, tenant_id, '{START}', '{START}', 0 from point"
        )
        finer = SmallPlant(points=[P1], time_zone="Asia/Shanghai", base_interval_minutes=5)
        with pytest.raises(ClockworkFixed, match="15 min, Asia/Shanghai, 00:00"):
            apply(migrated, finer.plant())
        assert migrated.rows("select base_interval_us from site") == [(900_000_000,)]


class TestWhoseItIs:
    def test_is_the_tenant_of_the_credential_and_no_other(self, migrated: Migrated) -> None:
        migrated.install(SmallPlant(tenant="one").plant(), SmallPlant(tenant="two").plant())
        ids = {code: number for number, code in migrated.rows("select id, code from tenant")}

        async def work(database: Database) -> None:
            async with database.transaction(ids["one"]) as connection:
                plant = SmallPlant(tenant="two", points=[P1]).plant()
                await apply_plant(connection, plant, tenant_id=ids["one"], actor="a@one")

        # The role of the API does not even see the other tenant; the command line's does.
        with pytest.raises(NengtanError, match="no tenant 'two'"):
            migrated.run("nengtan_api", work)
        with pytest.raises(WrongTenant, match="which is not yours"):
            migrated.run("nengtan_admin", work)

    def test_is_of_the_kind_that_the_tenant_is(self, migrated: Migrated) -> None:
        migrated.install(SmallPlant(tenant="one").plant())
        park = SmallPlant(tenant="one", more={"kind": "park"})
        with pytest.raises(WrongTenant, match="is a enterprise, not a park"):
            apply(migrated, park.plant())


class TestCreateTenant:
    def test_refuses_a_code_that_is_taken_or_cannot_be(self, migrated: Migrated) -> None:
        async def work(database: Database, code: str, kind: str) -> None:
            await admin.create_tenant(
                database, code=code, kind=kind, name_zh=NAME["zh"], name_en=NAME["en"]
            )

        async def all_of_them(database: Database) -> None:
            await work(database, "one", "enterprise")
            with pytest.raises(TenantRefused, match="there is a tenant 'one' already"):
                await work(database, "one", "enterprise")
            with pytest.raises(TenantRefused, match="a code is 1 to 64"):
                await work(database, "a/b", "enterprise")
            with pytest.raises(TenantRefused, match="a kind is enterprise or park"):
                await work(database, "two", "shop")
            await asyncio.sleep(0)

        migrated.run("nengtan_admin", all_of_them)
        assert migrated.rows("select code from tenant") == [("one",)]


def drain(migrated: Migrated) -> None:
    migrated.run("nengtan_worker", lambda database: Worker(database).drain())


def energy_and_cost(migrated: Migrated) -> tuple[float | None, float | None]:
    """Return what the site used in the first four hours, and what that cost."""
    [(tenant_id,)] = migrated.rows("select id from tenant")

    async def work(database: Database) -> consumption.Consumption:
        return await consumption.consume(
            database, tenant_id=tenant_id, site="main", start=START, end=START + 4 * HOUR
        )

    answer = migrated.run("nengtan_api", work)
    return None if answer.total is None else answer.total.energy_kwh, answer.cost.cny


class TestTariffsOfADescription:
    """What a description says of prices is stated, and nobody's correction is undone by it."""

    def described(self, *versions: dict[str, Any], valid_from: datetime = START) -> Plant:
        tariffs = [{"carrier": "electricity", "versions": list(versions)}]
        return SmallPlant(points=[P1], valid_from=valid_from, more={"tariffs": tariffs}).plant()

    def held(self, migrated: Migrated) -> list[tuple[Any, ...]]:
        return migrated.rows(
            "select distinct on (valid_from) valid_from::text, revision,"
            " (document #>> '{bands,0,price}')::float8 from tariff_version"
            " order by valid_from, revision desc"
        )

    def test_are_stated_once(self, migrated: Migrated) -> None:
        migrated.install(self.described(flat(0.5), flat(0.6, "2025-07-01")))
        assert self.held(migrated) == [("2024-01-01", 1, 0.5), ("2025-07-01", 1, 0.6)]
        apply(migrated, self.described(flat(0.5), flat(0.6, "2025-07-01")))
        apply(migrated, self.described(flat(0.5), flat(0.7, "2025-07-01")))
        assert self.held(migrated) == [("2024-01-01", 1, 0.5), ("2025-07-01", 2, 0.7)]
        changes = migrated.rows("select id from change_record where action = 'tariff.state'")
        assert len(changes) == 3

    def test_have_no_energy_computed_again(self, migrated: Migrated) -> None:
        plant = SmallPlant(points=[P1])
        migrated.install(self.described(flat(0.5)))
        hours = [("P1", START + n * HOUR, 10.0 * n) for n in range(5)]
        migrated.ingest([plant.delivery(hours)], at=START + 24 * HOUR)
        drain(migrated)
        assert energy_and_cost(migrated) == pytest.approx((40.0, 40 * 0.5))
        apply(migrated, self.described(flat(0.7)))
        assert migrated.rows("select * from dirty") == []
        assert energy_and_cost(migrated) == pytest.approx((40.0, 40 * 0.7))
        # Anything else beside the price is computed again.
        other = SmallPlant(points=[{**P1, "multiplier": 2}]).plant()
        apply(migrated, self.described(flat(0.8)).model_copy(update={"meters": other.meters}))
        assert migrated.rows("select * from dirty") != []
        drain(migrated)
        assert energy_and_cost(migrated) == pytest.approx((80.0, 80 * 0.8))

    def test_leave_alone_what_was_corrected_elsewhere(self, migrated: Migrated) -> None:
        migrated.install(self.described(flat(0.5)))
        migrated.execute(
            "insert into tariff_version (tenant_id, site_id, target_kind, target, valid_from,"
            " revision, document, sha256, stated_by) select tenant_id, site_id, target_kind,"
            " target, valid_from, 2, jsonb_set(document, '{bands,0,price}', '0.9'), sha256,"
            " 'someone' from tariff_version"
        )
        apply(migrated, self.described(flat(0.5), flat(0.6, "2025-07-01")))
        assert self.held(migrated) == [("2024-01-01", 2, 0.9), ("2025-07-01", 1, 0.6)]

    def test_are_withdrawn_by_a_correction_only(self, migrated: Migrated) -> None:
        migrated.install(self.described(flat(0.5), flat(0.6, "2025-07-01")))
        later = START + timedelta(days=400)
        apply(migrated, self.described(flat(0.7, "2026-07-01"), valid_from=later))
        assert [row[2] for row in self.held(migrated)] == [0.5, 0.6, 0.7]
        apply(migrated, self.described(flat(0.8, "2026-08-01"), valid_from=later))
        assert [row[2] for row in self.held(migrated)] == [0.5, 0.6, None, 0.8]
