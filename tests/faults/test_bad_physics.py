"""Bad inputs B48 and B59 to B66: values that cannot be, stand still, or do not add up."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from compute.intensity import Undefined
from compute.periods import Grain
from compute.quality import Quality
from compute.settle import SeriesKey
from ingest.reading import Delivery
from services import consumption, data_audit, factors
from services.factors import FactorRefused
from services.plant.compile import point_rows
from services.plant.findings import PlantInvalid
from services.reference import Override
from services.store.data_audit import FindingRow
from services.store.pool import Database
from tests.faults.centre import RECEIVED, amounts_of, drain, send, stored
from tests.faults.meters import HOUR, QUARTER, SIX_DIGITS, START, of
from tests.migrated import NAME, Migrated, SmallPlant, migrated_database, stamp
from tests.servers import DatabaseServer

pytestmark = [pytest.mark.database]

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
MICROSECOND = timedelta(microseconds=1)
P1 = SeriesKey("point", "P1", "")
# Of what nobody had to say a limit: unit, quantity, values that are taken, values that cannot be.
IMPOSSIBLE: Mapping[str, tuple[dict[str, Any], Sequence[float], Sequence[float]]] = {
    "a temperature below absolute zero": ({"unit": "°C"}, [-273.15, -40, 1600], [-300]),
    "the same in kelvin": ({"unit": "K"}, [0, 300], [-1]),
    "a power factor of 1.7": ({"unit": "1", "quantity": "power_factor"}, [-1, 0.93, 1], [1.7, -2]),
    "oxygen of 120 %": ({"unit": "%", "quantity": "share"}, [0, 20.9, 100], [120]),
    "moisture of -1 %": ({"unit": "%", "quantity": "share"}, [12], [-1]),
    "the same, raw in tenths": (
        {"unit": "%", "quantity": "share", "multiplier": 0.1},
        [0, 1000],
        [-10, 1200],
    ),
}


@pytest.fixture(scope="module")
def shared_migrated(plain_server: DatabaseServer) -> Iterator[Migrated]:
    """Give the database of all cases; what is asked here is no question of the tier."""
    with migrated_database(plain_server) as migrated:
        yield migrated


def tenant_id(migrated: Migrated, tenant: str) -> int:
    [(found,)] = migrated.rows("select id from tenant where code = %s", tenant)
    return int(found)


def findings(migrated: Migrated, tenant: str, check: str) -> list[FindingRow]:
    async def work(database: Database) -> data_audit.FindingsAnswer:
        return await data_audit.findings(
            database,
            tenant_id=tenant_id(migrated, tenant),
            site="main",
            start=START,
            end=START + 30 * DAY,
            check=check,
            subject=None,
            finding_state=None,
            after=None,
            limit=100,
        )

    return migrated.run("nengtan_api", work).rows


def first_hour(
    migrated: Migrated, tenant: str, kind: str, code: str, *, column: str
) -> list[tuple[float | None, int]]:
    """Return a figure of a series in total in the first hour, and its quality."""
    return [
        (figure, quality)
        for figure, quality in migrated.rows(
            f"select r.{column}, r.quality from result r join series s on s.id = r.series_id"
            " join tenant t on t.id = s.tenant_id where t.code = %s and s.kind = %s"
            " and s.code = %s and s.carrier = '' and r.grain = 1 and r.ts = %s",
            *(tenant, kind, code, START),
        )
    ]


class TestAValue:
    def test_b59_that_stays_for_seven_days_is_frozen_and_counts_as_it_is(
        self, shared_migrated: Migrated
    ) -> None:
        plant = SmallPlant(tenant="b59", points=[{"code": "P1", "kind": "gauge", "unit": "kW"}])
        shared_migrated.install(plant.plant())
        # A live line, then 7 days and 6 h of one value, then live again.
        load = [39, 41] * 4 + [40] * (4 * (7 * 24 + 6)) + [39, 41] * 4
        readings = [(START + n * QUARTER, Decimal(kw)) for n, kw in enumerate(load)]
        send(shared_migrated, plant, [of("P1", readings)])
        rows = stored(shared_migrated, "b59", P1, Grain.BASE)
        assert amounts_of(rows) == {at: float(kw) / 4 for at, kw in readings[:-1]}
        shown = [at for at, (_, quality) in sorted(rows.items()) if quality & Quality.FROZEN]
        # Shown from the interval at whose end it has stood for 7 days.
        assert shown == [START + n * QUARTER for n in range(7 + 4 * 7 * 24, 8 + 4 * (7 * 24 + 6))]
        [found] = findings(shared_migrated, "b59", "frozen")
        assert (found.subject, found.start_ts, found.state) == ("P1", shown[0], "open")

    @pytest.mark.parametrize("name", IMPOSSIBLE)
    def test_b60_that_cannot_be_is_quarantined_without_a_limit_of_its_own(
        self, shared_migrated: Migrated, name: str
    ) -> None:
        more, good, bad = IMPOSSIBLE[name]
        tenant = f"b60-{list(IMPOSSIBLE).index(name)}"
        plant = SmallPlant(
            tenant=tenant, points=[{"code": "P1", "kind": "gauge", **more}], more={"flows": []}
        )
        shared_migrated.install(plant.plant())
        values = [*good, *bad]
        message = plant.delivery([("P1", START + n * QUARTER, v) for n, v in enumerate(values)])
        assert shared_migrated.ingest([message], at=RECEIVED).stored == len(good)
        items = shared_migrated.rows(
            "select i.item, i.code from quarantine_item i join tenant t on t.id = i.tenant_id"
            " where t.code = %s order by i.item",
            tenant,
        )
        assert items == [(n, "physics") for n in range(len(good), len(values))]

    def test_b60_a_limit_of_the_point_stands_before_that_of_physics(self) -> None:
        own = {"code": "P1", "kind": "gauge", "unit": "%", "quantity": "share", "value_max": 105}
        [row] = point_rows(SmallPlant(points=[own], more={"flows": []}).plant())
        assert (row.value_min, row.value_max) == (0, 105)

    def test_b60_a_percentage_of_nothing_said_has_no_limit(self) -> None:
        load = {"code": "P1", "kind": "gauge", "unit": "%"}
        [row] = point_rows(SmallPlant(points=[load], more={"flows": []}).plant())
        assert (row.value_min, row.value_max) == (None, None)

    def test_b60_a_quantity_of_another_unit_is_refused(self) -> None:
        wrong = {"code": "P1", "kind": "gauge", "unit": "°C", "quantity": "share"}
        with pytest.raises(PlantInvalid, match="ratio"):
            SmallPlant(points=[wrong], more={"flows": []}).plant()


class TestAClockThatJumpsBack:
    def test_b48_an_hour_repeated_with_other_values_overwrites_nothing_and_is_shown(
        self, shared_migrated: Migrated
    ) -> None:
        plant = SmallPlant(tenant="b48", points=[{"code": "P1", **SIX_DIGITS}])
        shared_migrated.install(plant.plant())
        true = [(START + n * MINUTE, Decimal(n)) for n in range(121)]
        # From 01:30 to 02:00 its clock says an hour less.
        again = [(at - HOUR, value) for at, value in true if n_of(at) >= 90]
        send(shared_migrated, plant, [of("P1", true[:90]), of("P1", again), of("P1", true[120:])])
        assert shared_migrated.rows(
            "select count(*), min(c.ts), max(c.ts) from conflict c"
            " join tenant t on t.id = c.tenant_id where t.code = 'b48'"
        ) == [(31, START + 30 * MINUTE, START + 60 * MINUTE)]
        rows = stored(shared_migrated, "b48", P1, Grain.BASE)
        assert amounts_of(rows) == {START + n * QUARTER: pytest.approx(15.0) for n in range(8)}


def n_of(at: datetime) -> int:
    return (at - START) // MINUTE


class TestABalance:
    def test_b61_of_130_percent_is_shown_on_the_node_and_nothing_is_scaled(
        self, shared_migrated: Migrated
    ) -> None:
        plant = board("b61")
        shared_migrated.install(plant.plant())
        rises = {"in": 100, "one": 60, "two": 70}
        send(
            shared_migrated,
            plant,
            [
                [
                    (code, START + n * QUARTER, Decimal(rise * n))
                    for code, rise in rises.items()
                    for n in range(5)
                ]
            ],
        )
        for code, rise in rises.items():
            key = SeriesKey("flow", f"to-{code}", "electricity")
            flows = stored(shared_migrated, "b61", key, Grain.HOUR)
            assert amounts_of(flows)[START] == 4.0 * rise
        [(residual_kwh, quality)] = first_hour(
            shared_migrated, "b61", "residual", "board", column="energy_kwh"
        )
        assert residual_kwh == pytest.approx(-120.0)
        assert quality & Quality.UNBALANCED
        [found] = findings(shared_migrated, "b61", "balance")
        assert (found.subject_kind, found.subject) == ("residual", "board")
        assert found.value == pytest.approx(-30 / 130)


def board(tenant: str) -> SmallPlant:
    """Return a board that one meter feeds and two leave."""
    ends = {"in": ("grid", "board"), "one": ("board", "hall"), "two": ("board", "works")}
    nodes = [
        {"code": "grid", "name": NAME, "kind": "source"},
        {"code": "board", "name": NAME, "kind": "bus"},
        {"code": "hall", "name": NAME, "kind": "use"},
        {"code": "works", "name": NAME, "kind": "use"},
    ]
    flows = [
        {
            "code": f"to-{code}",
            "from": start,
            "to": end,
            "carrier": "electricity",
            "metered_by": [{"point": code}],
        }
        for code, (start, end) in ends.items()
    ]
    points = [{"code": code, **SIX_DIGITS} for code in ends]
    return SmallPlant(tenant=tenant, points=points, more={"nodes": nodes, "flows": flows})


class TestACalorificValue:
    """As received, dry and air-dried differ by the moisture: mixed up, a tenth of the carbon."""

    def test_b63_without_its_basis_is_refused_and_the_figure_is_invalid_until_it_is_stated(
        self, shared_migrated: Migrated
    ) -> None:
        coal = {"code": "P1", "kind": "interval", "unit": "t", "period_minutes": 15, "stamp": "end"}
        plant = SmallPlant(tenant="b63", carrier="raw_coal", points=[coal])
        shared_migrated.install(plant.plant())
        for parameter, value, unit in (
            ("carbon_content", 0.02637, "tC/GJ"),
            ("oxidation_rate", 0.94, "1"),
        ):
            state(shared_migrated, "b63", own(parameter, value, unit))
        for basis in ("", "dry", "air_dried"):
            with pytest.raises(FactorRefused, match="as_received"):
                state(shared_migrated, "b63", own("ncv", 22.35, "GJ/t", basis=basis))
        send(shared_migrated, plant, [[("P1", START + HOUR, Decimal(2))]])
        column = "emission_direct_tco2e"
        [(emission, quality)] = first_hour(shared_migrated, "b63", "node", "hall", column=column)
        assert emission is None
        assert quality & Quality.FACTOR_MISSING
        state(shared_migrated, "b63", own("ncv", 22.35, "GJ/t", basis="as_received"))
        drain(shared_migrated)
        [(emission, _)] = first_hour(shared_migrated, "b63", "node", "hall", column=column)
        assert emission == pytest.approx(2 * 22.35 * 0.02637 * 0.94 * 44 / 12, rel=1e-12)


def own(parameter: str, value: float, unit: str, *, basis: str = "") -> Override:
    return Override(
        carrier="raw_coal",
        parameter=parameter,
        value=value,
        unit=unit,
        valid_from=date(2025, 1, 1),
        valid_to=None,
        source="laboratory",
        stated_by="a@b63",
        basis=basis,
    )


def state(migrated: Migrated, tenant: str, override: Override) -> None:
    owner = tenant_id(migrated, tenant)

    async def work(database: Database) -> None:
        await factors.add_override(database, tenant_id=owner, override=override, at=RECEIVED)

    migrated.run("nengtan_api", work)


# What the analyser of a stack says of its own value, and what that comes to.
STATUS_BITS: Mapping[str, Quality] = {
    "drift": Quality.SOURCE_BAD | Quality.DRIFT,
    "maintenance": Quality.SOURCE_BAD | Quality.MAINTENANCE,
    "calibration": Quality.SOURCE_BAD | Quality.CALIBRATION,
    "fault": Quality.SOURCE_BAD,
    "stopped": Quality.SOURCE_BAD,
    "communication": Quality.SOURCE_BAD,
    "set": Quality.SOURCE_UNCERTAIN,
    "over_range": Quality.SOURCE_UNCERTAIN | Quality.RANGE,
    "below_detection": Quality.BELOW_DETECTION,
    "normal": Quality.GOOD,
}
STACK: Mapping[str, Any] = {"code": "P1", "kind": "gauge", "unit": "mg/Nm3", "hold_seconds": 60}


def analysed(plant: SmallPlant, rows: Sequence[Sequence[object]]) -> Delivery:
    """Return a message of readings that say their status."""
    body = json.dumps({"epoch": "e", "seq": 1, "readings": rows}).encode()
    return Delivery(plant.topic, body, token=1, qos=1, retained=False)


class TestAnAnalyserOfAStack:
    @pytest.mark.parametrize("status", STATUS_BITS)
    def test_b66_keeps_value_and_status_counts_the_hours_and_puts_nothing_in_their_place(
        self, shared_migrated: Migrated, status: str
    ) -> None:
        """Of 3 h of 40 mg/Nm3 the second is one of another status, in which it says 0.4."""
        plant = SmallPlant(
            tenant=f"b66-{status.replace('_', '-')}", points=[dict(STACK)], more={"flows": []}
        )
        shared_migrated.install(plant.plant())
        said: list[Sequence[object]] = [
            ["P1", stamp(START + n * MINUTE), 0.4, status]
            if 60 <= n < 120
            else ["P1", stamp(START + n * MINUTE), 40.0]
            for n in range(181)
        ]
        assert shared_migrated.ingest([analysed(plant, said)], at=RECEIVED).stored == 181
        kept = shared_migrated.rows(
            "select r.value, r.quality, count(*) from reading r join point p on p.id = r.point_id"
            " join tenant t on t.id = p.tenant_id where t.code = %s group by 1, 2 order by 1",
            plant.tenant,
        )
        bits = STATUS_BITS[status]
        assert kept == [(0.4, int(bits), 60), (40.0, 0, 121)]
        drain(shared_migrated)
        rows = shared_migrated.rows(
            "select r.amount, r.covered_us, r.quality from result r"
            " join series s on s.id = r.series_id join tenant t on t.id = s.tenant_id"
            " where t.code = %s and s.kind = 'point' and r.grain = 1 and r.ts = %s",
            *(plant.tenant, START + HOUR),
        )
        [(amount, covered_us, quality)] = rows
        assert quality & bits == bits
        if bits & Quality.SOURCE_BAD:
            # The last good value stands for one minute and no longer.
            assert (amount, covered_us) == (None, 0)
            assert quality & Quality.MISSING
        else:
            assert (amount, covered_us) == (pytest.approx(0.4), HOUR // MICROSECOND)
        [(covered_us,)] = shared_migrated.rows(
            "select r.covered_us from result r join series s on s.id = r.series_id"
            " join tenant t on t.id = s.tenant_id"
            " where t.code = %s and s.kind = 'point' and r.grain = 2",
            plant.tenant,
        )
        valid = 2 if bits & Quality.SOURCE_BAD else 3
        assert covered_us == valid * (HOUR // MICROSECOND)

    def test_b66_may_send_no_value_where_it_stands_by_none(self, shared_migrated: Migrated) -> None:
        plant = SmallPlant(tenant="b66-none", points=[dict(STACK)], more={"flows": []})
        shared_migrated.install(plant.plant())
        rows: list[Sequence[object]] = [
            ["P1", stamp(START), None, "maintenance"],
            ["P1", stamp(START + MINUTE), None, "normal"],
            ["P1", stamp(START + 2 * MINUTE), 40.0, "maintenence"],
            ["P1", stamp(START + 3 * MINUTE), 40.0, 7],
            ["P1", stamp(START + 4 * MINUTE), 40.0, "normal", "x"],
        ]
        assert shared_migrated.ingest([analysed(plant, rows)], at=RECEIVED).stored == 1
        items = shared_migrated.rows(
            "select i.item, i.code, i.detail from quarantine_item i"
            " join tenant t on t.id = i.tenant_id where t.code = %s order by i.item",
            plant.tenant,
        )
        assert [(item, code) for item, code, _ in items] == [
            (1, "type"),
            (2, "status"),
            (3, "type"),
            (4, "type"),
        ]
        assert "did you mean maintenance?" in items[1][2]


class TestAProductThatIsNotMade:
    def test_b65_has_no_intensity_and_the_answer_says_why(self, shared_migrated: Migrated) -> None:
        counter = {"code": "P2", "kind": "interval", "unit": "t", "period_minutes": 15}
        plant = SmallPlant(
            tenant="b65",
            points=[{"code": "P1", **SIX_DIGITS}, {**counter, "stamp": "end"}],
            more={
                "flows": [
                    {
                        "code": "to-hall",
                        "from": "grid",
                        "to": "hall",
                        "carrier": "electricity",
                        "metered_by": [{"point": "P1"}],
                    }
                ],
                "products": [
                    {
                        "code": "castings",
                        "name": NAME,
                        "unit": "t",
                        "node": "hall",
                        "metered_by": [{"point": "P2"}],
                    }
                ],
            },
        )
        shared_migrated.install(plant.plant())
        quarters = [START + n * QUARTER for n in range(9)]
        used = [("P1", at, Decimal(15 * n)) for n, at in enumerate(quarters)]
        # The first hour stands still, in the second 2 t are made in each quarter.
        made = [("P2", at, Decimal(0 if n < 4 else 2)) for n, at in enumerate(quarters[1:])]
        send(shared_migrated, plant, [[*used, *made]])
        standing = answer(shared_migrated, "b65", START, START + HOUR)
        assert (standing.made.amount, standing.electricity.value) == (0.0, None)
        assert standing.electricity.reason is Undefined.NO_OUTPUT
        assert standing.energy.value is None
        running = answer(shared_migrated, "b65", START + HOUR, START + 2 * HOUR)
        assert running.electricity.value == pytest.approx(60 / 8)
        assert running.electricity.reason is Undefined.DEFINED


def answer(
    migrated: Migrated, tenant: str, start: datetime, end: datetime
) -> consumption.ProductConsumption:
    owner = tenant_id(migrated, tenant)

    async def work(database: Database) -> consumption.Consumption:
        return await consumption.consume(
            database, tenant_id=owner, site="main", start=start, end=end
        )

    [product] = migrated.run("nengtan_api", work).products
    return product
