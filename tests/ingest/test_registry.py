"""Who may send what, as rows and as the database has it."""

import math
from datetime import timedelta
from typing import Any

import pytest

from ingest.registry import Registry, build_registry, load_registry
from tests.migrated import START, Migrated, SmallPlant, us


def gateway_row(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "tenant_id": 1,
        "site_id": 1,
        "form": "nengtan",
        "topic": f"nengtan/v1/acme/main/gw-{number}/telemetry",
        "username": f"acme.main.gw-{number}",
        "signed": False,
        **more,
    }


def point_row(number: int, gateway: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "gateway_id": gateway,
        "site_id": 1,
        "address": "P1",
        "value_min": None,
        "value_max": None,
        "valid_from": START,
        "valid_to": None,
        **more,
    }


class TestBuildRegistry:
    def test_finds_points_by_gateway_and_address(self) -> None:
        registry = build_registry(
            [gateway_row(7), gateway_row(8)],
            [point_row(70, 7), point_row(80, 8), point_row(81, 8, address="P2")],
        )
        seven = registry.by_topic["nengtan/v1/acme/main/gw-7/telemetry"]
        eight = registry.by_topic["nengtan/v1/acme/main/gw-8/telemetry"]
        assert registry.point_id[seven.row_of["P1"]] == 70
        assert registry.point_id[eight.row_of["P1"]] == 80
        assert registry.gateway_id[eight.row_of["P2"]] == 8
        assert "P2" not in seven.row_of

    def test_knows_no_limit_as_infinity_and_no_end_as_the_last_instant(self) -> None:
        limited = point_row(2, 1, address="P2", value_min=-1.5, value_max=2, valid_to=START)
        registry = build_registry([gateway_row(1)], [point_row(1, 1), limited])
        assert registry.value_min.tolist() == [-math.inf, -1.5]
        assert registry.value_max.tolist() == [math.inf, 2.0]
        assert registry.valid_from_us.tolist() == [us(START)] * 2
        assert registry.valid_to_us.tolist() == [(1 << 63) - 1, us(START)]

    def test_receipts_our_form_alone_and_subscribes_to_each_foreign_topic(self) -> None:
        foreign = gateway_row(2, form="neuron", topic="plc/line-1")
        registry = build_registry([gateway_row(1), foreign], [])
        ours = registry.by_topic["nengtan/v1/acme/main/gw-1/telemetry"]
        assert ours.receipt_topic == "nengtan/v1/acme/main/gw-1/receipt"
        assert registry.by_topic["plc/line-1"].receipt_topic is None
        assert registry.filters() == ["nengtan/v1/+/+/+/telemetry", "plc/line-1"]

    def test_of_nothing_takes_nothing(self) -> None:
        registry = build_registry([], [])
        assert registry.by_topic == {}
        assert registry.filters() == ["nengtan/v1/+/+/+/telemetry"]
        assert registry.point_id.dtype == "int32"
        assert registry.valid_from_us.dtype == "int64"


@pytest.mark.database
class TestLoadRegistry:
    def load(self, migrated: Migrated) -> Registry:
        return migrated.run("nengtan_ingest", load_registry)

    def test_reads_what_a_description_says(self, migrated: Migrated) -> None:
        plant = SmallPlant()
        migrated.install(plant.plant())
        registry = self.load(migrated)
        gateway = registry.by_topic[plant.topic]
        row = gateway.row_of["P2"]
        assert (registry.value_min[row], registry.value_max[row]) == (0.0, 1000.0)
        assert registry.valid_from_us[row] == us(START)
        [(code,)] = migrated.rows(
            "select code from point where id = %s", int(registry.point_id[row])
        )
        assert code == "P2"

    def test_leaves_out_what_a_new_description_drops(self, migrated: Migrated) -> None:
        migrated.install(SmallPlant().plant())
        before = self.load(migrated)
        plant = SmallPlant(points=[{"code": "P2", "kind": "register", "unit": "kWh"}])
        migrated.install(plant.plant())
        after = self.load(migrated)
        assert after.by_topic[plant.topic].row_of == {"P2": 0}
        # The number of a point is its own for good.
        old_row = before.by_topic[plant.topic].row_of["P2"]
        assert after.point_id[0] == before.point_id[old_row]

    def test_gives_each_tenant_its_own_points_of_the_same_name(self, migrated: Migrated) -> None:
        plants = [SmallPlant(tenant=tenant) for tenant in ("one", "two")]
        migrated.install(*(plant.plant() for plant in plants))
        registry = self.load(migrated)
        one, two = (registry.by_topic[plant.topic] for plant in plants)
        assert one.tenant_id != two.tenant_id
        assert not {*one.row_of.values()} & {*two.row_of.values()}

    def test_gives_an_address_to_one_point_after_the_other(self, migrated: Migrated) -> None:
        noon, night = START + timedelta(hours=12), START + timedelta(hours=23)
        register = {"kind": "register", "unit": "kWh", "address": "A"}
        lives = [
            {"code": "P1", "valid_to": noon.isoformat(), **register},
            {
                "code": "P2",
                "valid_from": noon.isoformat(),
                "valid_to": night.isoformat(),
                **register,
            },
            {"code": "P3", "valid_from": night.isoformat(), **register},
        ]
        plant = SmallPlant(points=[{"code": "P1", **register}])
        migrated.install(plant.plant())
        plant.points = lives
        migrated.install(plant.plant())
        hours = [0, 11, 12, 22, 23, 24]
        readings = [("A", START + timedelta(hours=hour), float(hour)) for hour in hours]
        outcome = migrated.ingest([plant.delivery(readings)], at=START + timedelta(days=2))
        assert outcome.stored == len(readings)
        found = migrated.rows(
            "select p.code, r.value from reading r join point p on p.id = r.point_id order by r.ts"
        )
        assert [code for code, _ in found] == ["P1", "P1", "P2", "P2", "P3", "P3"]
        assert [value for _, value in found] == [float(hour) for hour in hours]
