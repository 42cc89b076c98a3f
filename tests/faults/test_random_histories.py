"""Random days of three registers with every fault of the table, against the truth in decimals."""

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from compute.periods import Grain, to_us
from compute.quality import flag_names
from compute.settle import SeriesKey
from tests.faults.arrays import Arrival, Computed, close_to, computed
from tests.faults.centre import amounts_of, send, stored
from tests.faults.oracle import BASE
from tests.faults.random_histories import History, history
from tests.migrated import Migrated, SmallPlant
from tests.services.histories import results as stored_results

SEEDS = range(20)
CODES = ("P1", "P2", "P3")
MICROSECOND = timedelta(microseconds=1)
ZONES = ("Asia/Shanghai", "UTC", "America/New_York", "Asia/Kolkata", "Europe/Berlin")
# A month ends in each of them; the clock is changed in the third and the last.
STARTS = (
    datetime(2025, 6, 29, 16, tzinfo=UTC),
    datetime(2024, 2, 28, tzinfo=UTC),
    datetime(2025, 3, 8, 5, tzinfo=UTC),
    datetime(2025, 5, 30, 18, 30, tzinfo=UTC),
    datetime(2025, 10, 24, 22, tzinfo=UTC),
)


def seeded(
    seed: int, *, tenant: str = "acme", days: int = 3
) -> tuple[SmallPlant, dict[str, History]]:
    """Return a plant of three registers, and what they showed."""
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    start = STARTS[seed % len(STARTS)]
    histories = {code: history(rng, code=code, start=start, days=days) for code in CODES}
    plant = SmallPlant(
        tenant=tenant,
        valid_from=start - timedelta(days=1),
        time_zone=ZONES[seed % len(ZONES)],
        points=[dict(known.point) for known in histories.values()],
    )
    return plant, histories


def arrivals_of(histories: Mapping[str, History]) -> list[Arrival]:
    return [(code, at, value) for code, one in histories.items() for at, value in one.shown]


@pytest.mark.parametrize("seed", SEEDS)
class TestARandomHistory:
    def test_amounts_to_the_truth_at_every_grain(self, seed: int) -> None:
        plant, histories, found = by_seed(seed)
        for code, one in histories.items():
            key = SeriesKey("point", code, "")
            zone, within = plant.time_zone, one.float_kwh
            base = close_to(one.truth.base(), within=within)
            assert found.amounts(Grain.BASE, key) == base
            by_hour = close_to(one.truth.by_hour(zone), within=within)
            assert found.amounts(Grain.HOUR, key) == by_hour
            for grain, sums in (
                (Grain.DAY, one.truth.by_day(zone)),
                (Grain.MONTH, one.truth.by_month(zone)),
            ):
                amounts = found.amounts(grain, key)
                by_date = {at.astimezone(ZoneInfo(zone)).date(): kwh for at, kwh in amounts.items()}
                assert by_date == close_to(sums, within=within)

    def test_covers_what_is_known_and_shows_every_fault(self, seed: int) -> None:
        _, histories, found = by_seed(seed)
        starts_us = found.starts_us[Grain.BASE].tolist()
        for code, one in histories.items():
            key = SeriesKey("point", code, "")
            covered_us = found.blocks[Grain.BASE].covered_us[found.keys.index(key)].tolist()
            quality = dict(zip(starts_us, found.quality(key), strict=True))
            covered = dict(zip(starts_us, covered_us, strict=True))
            for at, span in one.truth.covered().items():
                assert covered[to_us(at)] == span // MICROSECOND, at
            for at, bit in one.marks:
                at_us = to_us(at)
                shown = quality[at_us - at_us % (BASE // MICROSECOND)]
                assert bit in flag_names(shown), (code, at, bit)

    def test_adds_up_to_the_hall(self, seed: int) -> None:
        plant, histories, found = by_seed(seed)
        total: dict[datetime, Decimal] = {}
        for one in histories.values():
            for at, energy in one.truth.by_hour(plant.time_zone).items():
                total[at] = total.get(at, Decimal(0)) + energy
        within = sum(one.float_kwh for one in histories.values())
        hall = SeriesKey("node", "hall", "electricity")
        assert found.amounts(Grain.HOUR, hall) == close_to(total, within=within)


@cache
def by_seed(seed: int) -> tuple[SmallPlant, dict[str, History], Computed]:
    """Return a plant, what its registers showed, and the results of it."""
    plant, histories = seeded(seed)
    start = plant.valid_from
    last = max(at for one in histories.values() for at, _ in one.shown)
    count = (last - start) // BASE + 8
    found = computed(plant.plant(), arrivals_of(histories), start=start, interval_count=count)
    return plant, histories, found


@pytest.mark.database
@pytest.mark.parametrize("seed", SEEDS)
class TestARandomHistoryInTheCentre:
    def test_ends_in_the_same_bits_however_it_arrives(
        self, shared_migrated: Migrated, seed: int
    ) -> None:
        rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
        straight, histories = seeded(seed, tenant=f"straight-{seed}", days=2)
        crooked, _ = seeded(seed, tenant=f"crooked-{seed}", days=2)
        shared_migrated.install(straight.plant(), crooked.plant())
        everything = sorted(
            (arrival for arrival in arrivals_of(histories) if arrival[2] is not None),
            key=lambda arrival: arrival[1],
        )
        send(shared_migrated, straight, commits(everything, count=5))
        send(
            shared_migrated,
            crooked,
            commits(disordered(rng, everything), count=5),
            idle=rng.sample(range(4), k=2),
        )
        assert stored_results(shared_migrated, crooked.tenant) == stored_results(
            shared_migrated, straight.tenant
        )
        for code, one in histories.items():
            rows = stored(shared_migrated, crooked.tenant, SeriesKey("point", code, ""), Grain.BASE)
            assert amounts_of(rows) == close_to(one.truth.base(), within=one.float_kwh)


def commits(arrivals: Sequence[Arrival], *, count: int) -> list[Sequence[Arrival]]:
    size = -(-len(arrivals) // count)
    return [arrivals[first : first + size] for first in range(0, len(arrivals), size)]


def disordered(rng: random.Random, arrivals: Sequence[Arrival]) -> list[Arrival]:
    """Return arrivals in any order, a tenth of them twice, most of one point's after all others."""
    shuffled = [*arrivals, *rng.sample(list(arrivals), k=len(arrivals) // 10)]
    rng.shuffle(shuffled)
    late = rng.choice(CODES)
    return sorted(shuffled, key=lambda arrival: arrival[0] == late and rng.random() < 0.7)
