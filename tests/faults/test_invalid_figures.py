"""G26: what cannot be computed is invalid and says why; it is never 0, and never what it was."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import numpy as np
import pytest

import services.recompute
import services.roll_up
from api.app import create_app
from compute.block import ResultBlock
from compute.register import IntervalAmounts
from deploy import admin
from services.store import results
from services.store.pool import Database
from tests.faults.centre import drain, send
from tests.migrated import START, Migrated, SmallPlant, migrated_database
from tests.servers import PlainServer

pytestmark = [pytest.mark.database]

KIND = {"code": "P1", "kind": "register", "unit": "kWh"}
QUARTER = timedelta(minutes=15)
MEASURES = ("amount", "energy_kwh")

Plant = Callable[[Any], Any]


def raises(_answer: Any) -> Any:
    raise ZeroDivisionError("planted")


def amounts_of(value: float) -> Plant:
    """Return a kernel that gives a value, and no mark, instead of the second quarter's amount."""

    def wrong(answer: IntervalAmounts) -> IntervalAmounts:
        amount = np.array(answer.amount)
        amount[:, 1] = value
        return replace(answer, amount=amount)

    return wrong


def figures_of(value: float) -> Plant:
    """Return a settlement whose energies of the second quarter are a value."""

    def wrong(answer: ResultBlock) -> ResultBlock:
        values = answer.values()
        values[1:, :, 1] = value
        return ResultBlock.of(values, answer.marks())

    return wrong


FAULTS = {
    "an exception in the kernel": ("interval_amounts", raises),
    "an amount that is no number": ("interval_amounts", amounts_of(np.nan)),
    "an amount that overflows": ("interval_amounts", amounts_of(np.inf)),
    "an exception in the settlement": ("settle", raises),
    "an energy that overflows": ("settle", figures_of(np.inf)),
    "an exception in the sums": ("rollup", raises),
}


def readings(count: int, *, odd: bool) -> list[tuple[str, Any, Any]]:
    """Return a register that counts 15 kWh a quarter, at the quarters or between them."""
    shift = QUARTER / 3 if odd else timedelta(0)
    return [("P1", START + n * QUARTER + shift, 15 * n + 5 * odd) for n in range(count)]


def plant_of(tenant: str) -> SmallPlant:
    return SmallPlant(tenant=tenant, points=[dict(KIND)])


@pytest.fixture(scope="module")
def centre(plain_server: PlainServer) -> Iterator[Migrated]:
    """Give a migrated database; what is computed does not depend on its tier."""
    with migrated_database(plain_server) as migrated:
        yield migrated


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_makes_figures_invalid_and_is_healed_by_its_repair(
    centre: Migrated, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    number = list(FAULTS).index(name)
    plant, other = plant_of(f"sick-{number}"), plant_of(f"well-{number}")
    centre.install(plant.plant(), other.plant())
    send(centre, plant, [readings(9, odd=False)])
    grain = "hour" if "sums" in name else "base"
    before = ask(centre, plant.tenant, grain)
    assert not any("undefined" in row["flags"] for row in before)

    where, wrong = FAULTS[name]
    module = services.roll_up if where == "rollup" else services.recompute
    right = getattr(module, where)

    def planted(*arguments: Any, **options: Any) -> Any:
        return wrong(right(*arguments, **options))

    with monkeypatch.context() as patch:
        patch.setattr(module, where, planted)
        # The fault is in the way of what comes late.
        send(centre, plant, [readings(8, odd=True)], first_seq=2)
        rows = ask(centre, plant.tenant, grain)
        stored = centre.rows(
            "select r.amount, r.energy_kwh from result r join series s on s.id = r.series_id"
            " join tenant t on t.id = s.tenant_id where t.code = %s and r.grain = %s"
            " and s.kind = 'flow' order by r.ts",
            *(plant.tenant, 0 if grain == "base" else 1),
        )
    place = 1 if grain == "base" else 0
    invalid = rows[place]
    assert invalid["energy_kwh"] is None
    assert stored[place][1] is None
    assert invalid["grade"] == "bad"
    assert "undefined" in invalid["flags"]
    if "energy" in name:
        assert invalid["amount"] == before[place]["amount"]
    else:
        assert invalid["amount"] is stored[place][0] is None

    drain(centre)
    send(centre, plant, [[("P1", START + 9 * QUARTER, Decimal(135))]], first_seq=3)
    if "exception" not in name:
        # A fault that nothing noticed is mended by what is computed anew.
        send(
            centre,
            plant,
            [[("P1", START + QUARTER + QUARTER / 2, Decimal("22.5"))]],
            first_seq=4,
        )
    healed = ask(centre, plant.tenant, grain)
    assert [row["energy_kwh"] for row in healed[: len(before) - 1]] == [
        row["energy_kwh"] for row in before[: len(before) - 1]
    ]


def test_a_fault_of_one_site_holds_up_no_other(
    centre: Migrated, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = plant_of("first"), plant_of("second")
    centre.install(first.plant(), second.plant())
    load = results.point_spans
    [(site,)] = centre.rows(
        "select p.id from point p join tenant t on t.id = p.tenant_id where t.code = 'first'"
    )

    async def broken(connection: Any, points: Any) -> Any:
        if site in points:
            raise RuntimeError("planted")
        return await load(connection, points)

    monkeypatch.setattr(results, "point_spans", broken)
    send(centre, first, [readings(9, odd=False)])
    send(centre, second, [readings(9, odd=False)])
    assert ask(centre, "first", "base") == []
    assert [row["amount"] for row in ask(centre, "second", "base")[:8]] == [15.0] * 8
    monkeypatch.undo()
    drain(centre)
    assert [row["amount"] for row in ask(centre, "first", "base")[:8]] == [15.0] * 8


def ask(migrated: Migrated, tenant: str, interval: str) -> list[dict[str, Any]]:
    """Return what the API says of the flow in the first three hours."""

    async def work() -> list[dict[str, Any]]:
        async with admin.admin_database(migrated.role_url("nengtan_admin")) as database:
            key = await admin.create_key(
                database, tenant=tenant, name="test", roles=["energy_manager"]
            )
        database = await Database.open(migrated.role_url("nengtan_api"))
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(create_app(database=database)),
            base_url="http://centre/api/v1",
            headers={"Authorization": f"Bearer {key}"},
        )
        async with client:
            answer = await client.get(
                "/energy",
                params={
                    "site": "main",
                    "flow": "to-hall-P1",
                    "interval": interval,
                    "start": START.isoformat(),
                    "end": (START + timedelta(hours=3)).isoformat(),
                },
            )
        await database.close()
        assert answer.status_code == httpx.codes.OK, answer.text
        rows: list[dict[str, Any]] = answer.json()["rows"]
        return rows

    return asyncio.run(work())
