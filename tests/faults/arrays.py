"""From readings to results by the public functions alone: no database, no broker, no clock."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, time
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from compute.block import ResultBlock
from compute.periods import Grain, from_us, group_offset, period_edges_us, to_us
from compute.quality import Quality
from compute.readings import Readings
from compute.register import interval_amounts
from compute.rollup import rollup
from compute.settle import SeriesKey, series_keys, settle
from services.plant.compile import compile_topology, topology_edges
from services.plant.model import Plant
from services.reference import FactorBook, carrier_factors

Arrival = tuple[str, datetime, Decimal | None]


@dataclass(frozen=True)
class Computed:
    """The results of a site, by grain."""

    keys: tuple[SeriesKey, ...]
    blocks: Mapping[Grain, ResultBlock]
    starts_us: Mapping[Grain, npt.NDArray[np.int64]]

    def amounts(self, grain: Grain, key: SeriesKey) -> dict[datetime, float]:
        """Return the amounts that are known, by the start of their period in UTC."""
        row = self.blocks[grain].amount[self.keys.index(key)]
        return {
            from_us(int(start_us)): float(amount)
            for start_us, amount in zip(self.starts_us[grain], row, strict=True)
            if not np.isnan(amount)
        }

    def quality(self, key: SeriesKey) -> list[int]:
        """Return the quality of each base interval."""
        masks: list[int] = self.blocks[Grain.BASE].quality[self.keys.index(key)].tolist()
        return masks


def computed(
    plant: Plant, arrivals: Sequence[Arrival], *, start: datetime, interval_count: int
) -> Computed:
    """Return the results of base intervals from a start, and of every period they touch.

    Of two readings of one instant the first stands, as the store's unique key has it.
    """
    step_us = plant.base_interval_minutes * 60_000_000
    start_us = to_us(start)
    end_us = start_us + interval_count * step_us
    whole = compile_topology(plant)
    amounts = interval_amounts(
        readings_of(whole.points.code, arrivals),
        points=whole.points,
        start_us=start_us,
        step_us=step_us,
        count=interval_count,
    )
    changes = [to_us(edge) for edge in topology_edges(plant)]
    edges = [start_us, *(edge for edge in changes if start_us < edge < end_us), end_us]
    parts = []
    for begin_us, stop_us in pairwise(edges):
        arrays = compile_topology(plant, at=from_us(begin_us))
        factors, _ = carrier_factors(
            FactorBook(), arrays.carrier_code, at=from_us(begin_us).date(), region=plant.region
        )
        span = slice((begin_us - start_us) // step_us, (stop_us - start_us) // step_us)
        part = type(amounts)(*(getattr(amounts, f.name)[:, span] for f in fields(amounts)))
        parts.append(settle(arrays, part, factors, step_us=step_us))
    base = ResultBlock(
        *(
            np.concatenate([getattr(part, f.name) for part in parts], axis=1)
            for f in fields(ResultBlock)
        )
    )
    return _rolled_up(plant, series_keys(whole), base, start_us=start_us, step_us=step_us)


def readings_of(codes: Sequence[str], arrivals: Sequence[Arrival]) -> Readings:
    """Return arrivals as columns, point by point, in order of time; None is an error."""
    kept: dict[tuple[int, int], float] = {}
    for code, at, value in arrivals:
        number = np.nan if value is None else float(value)
        kept.setdefault((codes.index(code), to_us(at)), number)
    places = sorted(kept)
    rows = [row for row, _ in places]
    numbers = np.array([kept[place] for place in places], dtype=np.float64)
    return Readings(
        point_offset=np.searchsorted(rows, np.arange(len(codes) + 1)).astype(np.int64),
        ts_us=np.array([at_us for _, at_us in places], dtype=np.int64),
        value=numbers,
        quality=np.where(np.isnan(numbers), int(Quality.SOURCE_BAD), 0).astype(np.int32),
    )


def _rolled_up(
    plant: Plant, keys: tuple[SeriesKey, ...], base: ResultBlock, *, start_us: int, step_us: int
) -> Computed:
    count = base.amount.shape[1]
    hours, minutes = plant.day_start.split(":")
    blocks = {Grain.BASE: base}
    starts_us = {Grain.BASE: start_us + step_us * np.arange(count, dtype=np.int64)}
    for grain, source in (
        (Grain.HOUR, Grain.BASE),
        (Grain.DAY, Grain.BASE),
        (Grain.MONTH, Grain.DAY),
    ):
        edges_us = period_edges_us(
            from_us(start_us),
            from_us(start_us + count * step_us),
            grain=grain,
            time_zone=plant.time_zone,
            day_start=time(int(hours), int(minutes)),
            base_interval_us=step_us,
        )
        offset = (
            group_offset(edges_us, start_us=start_us, step_us=step_us, count=count)
            if source == Grain.BASE
            else np.searchsorted(starts_us[source], edges_us).astype(np.int64)
        )
        blocks[grain] = rollup(blocks[source], offset)
        starts_us[grain] = edges_us[:-1]
    return Computed(keys, blocks, starts_us)


def close_to(
    sums: Mapping[Any, Decimal], *, within: float | Decimal = 1e-12
) -> Mapping[Hashable, Any]:
    """Return what floats must be to be these decimals, key by key.

    `within` is what a difference of two registers, as floats, may be wrong by.
    """
    return {
        key: pytest.approx(float(value), rel=1e-12, abs=float(within))
        for key, value in sums.items()
    }
