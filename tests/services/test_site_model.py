"""A site as it was at each time: which description and which factors hold where."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from services.plant.model import Plant
from services.reference import load_tables
from services.site_model import SiteModel, SiteModels, Span, load_site_model
from services.store import topology
from services.store.pool import Database
from tests.migrated import START, Migrated, SmallPlant, migrated_database, us
from tests.servers import DatabaseServer

pytestmark = [pytest.mark.database]

DAY = timedelta(days=1)
REGISTER = {"code": "P1", "kind": "register", "unit": "kWh"}


def load(migrated: Migrated, *, tenant: str = "acme") -> SiteModel:
    async def work(database: Database) -> SiteModel:
        async with database.transaction() as connection:
            sites = dict(await topology.all_sites(connection))
            site = sites[tenant]
            return await load_site_model(connection, site)

    return migrated.run("nengtan_worker", work)


def spans(model: SiteModel, start: datetime, end: datetime) -> list[Span]:
    return model.spans(us(start), us(end))


def edges(found: Sequence[Span]) -> list[datetime]:
    """Return where spans begin, and where the last one ends; they leave no hole."""
    for span, later in itertools.pairwise(found):
        assert span.end_us == later.start_us
    instants = [span.start_us for span in found] + [found[-1].end_us]
    return [datetime.fromtimestamp(at / 1e6, UTC) for at in instants]


class TestSpans:
    def test_know_nothing_of_the_time_before_the_first_description(
        self, migrated: Migrated
    ) -> None:
        migrated.install(SmallPlant().plant())
        model = load(migrated)
        assert edges(spans(model, START - DAY, START + DAY)) == [START, START + DAY]
        assert spans(model, START - DAY, START) == []

    def test_change_with_the_description(self, migrated: Migrated) -> None:
        for number, begin in enumerate((START, START + 2 * DAY, START + DAY)):
            plant = SmallPlant(valid_from=begin, points=[{**REGISTER, "multiplier": number + 1}])
            migrated.install(plant.plant())
        found = spans(load(migrated), START, START + 3 * DAY)
        assert edges(found) == [START, START + DAY, START + 2 * DAY, START + 3 * DAY]
        scales = [float(span.described.arrays.points.scale[0]) for span in found]
        assert scales == [1.0, 3.0, 2.0], "by their start, not by when they were applied"

    def test_take_the_last_applied_of_equal_starts(self, migrated: Migrated) -> None:
        for multiplier in (1, 2):
            migrated.install(SmallPlant(points=[{**REGISTER, "multiplier": multiplier}]).plant())
        [span] = spans(load(migrated), START, START + DAY)
        assert span.described.arrays.points.scale.tolist() == [2.0]

    def test_change_where_a_point_comes_or_goes(self, migrated: Migrated) -> None:
        at = START + timedelta(hours=5, minutes=20)
        points: list[dict[str, Any]] = [
            {**REGISTER, "valid_to": at.isoformat()},
            {**REGISTER, "code": "P2", "valid_from": at.isoformat()},
        ]
        migrated.install(SmallPlant(points=points).plant())
        found = spans(load(migrated), START, START + DAY)
        quarter = timedelta(minutes=15)
        first = START + timedelta(hours=5, minutes=15)
        # The interval of the exchange is a span of its own, in which both count.
        assert edges(found) == [START, first, first + quarter, START + DAY]
        counting = [span.described.arrays.flow_offset.tolist() for span in found]
        assert counting == [[0, 1, 1], [0, 1, 2], [0, 0, 1]]

    def test_change_at_local_midnight_where_a_factor_does(self, migrated: Migrated) -> None:
        migrated.install(SmallPlant(time_zone="Asia/Kolkata", valid_from=START - 900 * DAY).plant())
        migrated.execute(
            "insert into factor_override (tenant_id, carrier, parameter, value, unit, valid_from,"
            " valid_to, source, created_by) select id, 'electricity', 'emission_purchased', 0.5,"
            " 'tCO2/MWh', '2025-03-11', '2025-03-12', 'contract', 'a' from tenant"
        )
        model = load(migrated)
        found = spans(model, START, START + 3 * DAY)
        # Midnight in India is 18:30 UTC.
        midnight = datetime(2025, 3, 10, 18, 30, tzinfo=UTC)
        assert edges(found) == [START, midnight, midnight + DAY, START + 3 * DAY]
        own = [span.factors.emission_purchased_tco2e.tolist() == [0.0005] for span in found]
        assert own == [False, True, False]

    def test_say_which_factors_they_stand_on(self, migrated: Migrated) -> None:
        migrated.install(SmallPlant().plant())
        [span] = spans(load(migrated), START, START + DAY)
        used = {item["quantity"]: item["factor"]["id"] for item in span.factor_use["used"]}
        assert used["coal_equivalent_tce"] == "electricity.coal_equivalent@GB/T 2589-2020"
        [missing] = span.factor_use["missing"]
        assert (missing["quantity"], missing["code"]) == ("coal_equal_tce", "not_confirmed")
        msgspec.json.encode(span.factor_use)


class TestLoadSiteModel:
    def test_numbers_rows_as_the_database_does(self, migrated: Migrated) -> None:
        migrated.install(SmallPlant().plant())
        model = load(migrated)
        [described] = model.described
        points: dict[str, int] = dict(migrated.rows("select code, id from point"))
        assert described.point_id.tolist() == [points[c] for c in described.arrays.points.code]
        series = {
            (kind, code, carrier): number
            for number, kind, code, carrier in migrated.rows(
                "select id, kind, code, carrier from series"
            )
        }
        keys = [(key.kind, key.code, key.carrier) for key in described.keys]
        assert described.series_id.tolist() == [series[key] for key in keys]
        assert model.fleeting_series_ids() == []

    def test_knows_the_series_of_descriptions_that_hold_no_more(self, migrated: Migrated) -> None:
        migrated.install(SmallPlant().plant())
        migrated.install(SmallPlant(points=[REGISTER]).plant())
        model = load(migrated)
        gone = migrated.rows("select id from series where code in ('P2', 'to-hall-P2')")
        assert model.fleeting_series_ids() == sorted(number for (number,) in gone)
        assert model.fleeting_series_ids(model.described[0]) == model.fleeting_series_ids()
        assert model.point_ids() == [
            number for (number,) in migrated.rows("select id from point where code = 'P1'")
        ]

    def test_keeps_the_document_as_it_was_applied(self, migrated: Migrated) -> None:
        plant = SmallPlant().plant()
        migrated.install(plant)
        [described] = load(migrated).described
        assert isinstance(described.plant, Plant)
        assert described.plant == plant

    def test_reads_what_this_tenant_confirmed_and_no_other(self, migrated: Migrated) -> None:
        migrated.install(SmallPlant().plant(), SmallPlant(tenant="other").plant())
        for factor in load_tables().factors:
            if (factor.carrier, factor.parameter) == ("electricity", "coal_equal"):
                migrated.execute(
                    "insert into factor_confirmation (tenant_id, factor_id, reason, confirmed_by)"
                    f" select id, '{factor.id}', 'r', 'a' from tenant where code = 'other'"
                )
        lacking = [
            len(spans(load(migrated, tenant=tenant), START, START + DAY)[0].factor_use["missing"])
            for tenant in ("acme", "other")
        ]
        assert lacking == [1, 0]


class TestSiteModels:
    def test_see_that_another_database_stands_in_the_place_of_one(
        self, migrated: Migrated, database_server: DatabaseServer
    ) -> None:
        models = SiteModels()

        async def get(database: Database) -> SiteModel:
            async with database.transaction() as connection:
                return await models.get(connection, 1)

        migrated.install(SmallPlant(points=[{**REGISTER, "multiplier": 2}]).plant())
        found = [migrated.run("nengtan_worker", get) for _ in range(2)]
        assert found[0] is found[1]
        with migrated_database(database_server) as other:
            other.install(SmallPlant(points=[{**REGISTER, "multiplier": 7}]).plant())
            found.append(other.run("nengtan_worker", get))
        [scale, _, other_scale] = [
            spans(model, START, START + DAY)[0].described.arrays.points.scale[0] for model in found
        ]
        assert other_scale / scale == 3.5
