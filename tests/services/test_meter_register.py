import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from compute.errors import NengtanError
from services.meter_register import Provision, provision
from services.plant.model import Plant
from services.plant.read import read_plant
from services.reference import files, load_tables
from services.reference.metering_rates import METERING_LEVELS, metering_rates
from tests.migrated import NAME, START, SmallPlant

NOW = START + timedelta(days=1)
NODES = [
    {"code": "grid", "name": NAME, "kind": "source"},
    {"code": "sold", "name": NAME, "kind": "delivery"},
    {"code": "works", "name": NAME, "kind": "use"},
    {"code": "shop", "name": NAME, "kind": "use", "parent": "works", "metering_level": "secondary"},
    {"code": "board", "name": NAME, "kind": "bus", "parent": "shop"},
    {
        "code": "press",
        "name": NAME,
        "kind": "use",
        "parent": "shop",
        "metering_level": "equipment",
    },
    {"code": "fan", "name": NAME, "kind": "use", "parent": "shop"},
]
ENDS = [
    ("in", "grid", "board"),
    ("out", "board", "sold"),
    ("to-press", "board", "press"),
    ("to-fan", "board", "fan"),
]


def plant(metered: Mapping[str, Mapping[str, Any]], *, carrier: str = "electricity") -> Plant:
    """Return works of one shop, with a point at each of the flows named."""
    flows = [
        {
            "code": code,
            "from": source,
            "to": target,
            "carrier": carrier,
            "metered_by": [{"point": code}] if code in metered else [],
        }
        for code, source, target in ENDS
    ]
    points = [
        {"code": code, "kind": "register", "unit": "kWh", "rate_max_per_hour": 9, **more}
        for code, more in metered.items()
    ]
    small = SmallPlant(points=points, more={"nodes": NODES, "flows": flows})
    return read_plant(json.dumps(small.document()).encode(), form="json")


def by_level(rows: Sequence[Provision]) -> dict[str, tuple[int, int, bool | None]]:
    return {row.level: (row.fitted_count, row.needed_count, row.meets) for row in rows}


class TestTheRateOfProvision:
    def test_counts_a_flow_at_each_edge_that_it_crosses(self) -> None:
        rows = provision(plant({"in": {}, "to-press": {}}), at=NOW)
        # What is sold leaves the site and the shop; nothing inside the shop crosses an edge of it.
        assert by_level(rows) == {
            "unit": (1, 2, False),
            "secondary": (1, 2, False),
            "equipment": (1, 1, True),
        }
        assert {row.lacking for row in rows} == {("out",), ()}
        assert {row.source for row in rows} == {"GB 17167-2006, 4.3.2 table 3"}

    def test_leaves_out_meters_that_are_not_in_use(self) -> None:
        noon = START + timedelta(hours=12)
        retired = {"life": [{"from": noon.isoformat(), "retired": True}]}
        works = plant({"in": retired, "out": {"valid_from": NOW.isoformat()}})
        for at, fitted in ((START, 1), (noon - timedelta(microseconds=1), 1), (noon, 0), (NOW, 1)):
            assert by_level(provision(works, at=at))["unit"][0] == fitted

    def test_asks_for_nothing_where_the_standard_does_not(self) -> None:
        rows = provision(plant({}, carrier="electricity"), at=NOW)
        assert all(row.meets is False for row in rows)
        flows = [
            flow.model_copy(update={"carrier": "compressed_air", "metered_by": ()})
            for flow in plant({}).flows
        ]
        rows = provision(plant({}).model_copy(update={"flows": tuple(flows)}), at=NOW)
        assert {(row.energy, row.required_share, row.meets) for row in rows} == {
            ("compressed_air", None, None)
        }


class TestTheTable:
    def test_names_each_carrier_once_and_what_it_is_from(self) -> None:
        named = [code for rate in metering_rates() for code in rate.carriers]
        assert len(named) == len(set(named))
        assert set(named) <= set(load_tables().carriers)
        assert {rate.confidence for rate in metering_rates()} == {"recalled"}

    def test_never_asks_more_of_equipment_than_of_the_site(self) -> None:
        for rate in metering_rates():
            shares = [rate.required_share[level] or 0.0 for level in METERING_LEVELS]
            assert shares == sorted(shares, reverse=True)

    @pytest.mark.parametrize("fault", [{"carriers": "coalx"}, {"unit_share": "1.5"}])
    def test_that_breaks_its_own_rules_is_refused(
        self, monkeypatch: pytest.MonkeyPatch, fault: dict[str, str]
    ) -> None:
        [row, *_] = [row for _, row in files.rows("metering_rates.csv")]
        monkeypatch.setattr(
            "services.reference.metering_rates.rows", lambda _: iter([(2, {**row, **fault})])
        )
        with pytest.raises(NengtanError, match=r"metering_rates\.csv row 2"):
            metering_rates.__wrapped__()


def test_the_demo_lacks_what_it_is_known_to_lack() -> None:
    demo = Path(__file__).parents[2] / "deploy" / "plants" / "demo.yaml"
    rows = provision(
        read_plant(demo.read_bytes(), form="yaml"), at=datetime(2026, 11, 1, tzinfo=UTC)
    )
    short = {(row.level, row.energy): row.lacking for row in rows if row.meets is False}
    assert short == {
        ("secondary", "natural_gas"): ("canteen-gas",),
        ("secondary", "steam"): ("washing-steam",),
    }
