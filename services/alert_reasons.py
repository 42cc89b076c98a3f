"""Why an alert fired: what changed since a comparable span, and which meters and factors it was.

The change of emission (or energy) of the object's boundary is split into volume, intensity,
structure and factors that add up to it (`compute.explanation`), carrier by carrier.

No alert waits for it: it is looked up in a transaction of its own, in so much time. What
is not explained by then fires without, and is explained by a later look.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import structlog

from compute.block import ResultBlock
from compute.explanation import explain_change
from compute.periods import US_PER_HOUR, from_us, to_us
from compute.rollup import rollup
from services import clock, open_sums
from services.alert_cells.live import inflows
from services.alert_rules.compile import Instance
from services.benchmark_periods import Clock
from services.json_values import finite, iso_utc
from services.open_sums import SumPeriod
from services.rollup_rows import block_of
from services.site_model import Described, SiteModel, described_at
from services.store import results
from services.store.pool import Connection, Database, DatabaseUnavailable
from services.store.session import limit_statements

_log = structlog.get_logger()

_DAY_US = 86_400_000_000
_METERS_MAX = 5
# Measures whose change can be split; the others speak for themselves.
_EXPLAINED = ("energy", "coal", "emission", "power", "demand", "intensity")
_LONG = ("month", "year")


class _Spans(NamedTuple):
    """The span that is looked at and the one it is compared with, half-open. [µs]."""

    after: tuple[int, int]
    before: tuple[int, int]
    grain: SumPeriod
    words: str


# What all series of a site came to in a span: read once, however many alerts fire together.
Totals = dict[tuple[int, SumPeriod, tuple[int, int]], ResultBlock]


class Asked(NamedTuple):
    """An alert that fired, to be explained."""

    model: SiteModel
    instance: Instance
    at: datetime


def can_be_explained(instance: Instance) -> bool:
    """Return whether there is something to say of it; the others speak for themselves."""
    return bool(instance.site) and instance.headline.measure.startswith(_EXPLAINED)


async def explain(
    database: Database, asked: Mapping[int, Asked], *, within_s: float
) -> dict[int, dict[str, Any] | None]:
    """Return what is behind alerts, as it is kept with their episodes, by the keys of `asked`.

    None: nothing can be said. What is not found in time, or cannot be found out, is missing and was
    logged: it is no reason not to fire.
    """
    found: dict[int, dict[str, Any] | None] = {}
    if not asked:
        return found
    # What was read for others of the same instant.
    totals: Totals = {}
    end_s = clock.monotonic() + within_s
    try:
        async with database.transaction() as connection:
            await limit_statements(connection, within_s)
            for key, one in asked.items():
                if clock.monotonic() > end_s:
                    break
                found[key] = await _explain(connection, one, totals)
    except DatabaseUnavailable as error:
        _log.warning("alerts.unexplained", rules=_missing(asked, found), reason=str(error))
    except Exception as error:  # noqa: BLE001 - a defect: the alert matters more
        _log.exception("alerts.unexplained", rules=_missing(asked, found), reason=repr(error))
    return found


def _missing(asked: Mapping[int, Asked], found: Collection[int]) -> list[str]:
    return sorted({one.instance.rule.rule.alert for key, one in asked.items() if key not in found})


async def _explain(connection: Connection, asked: Asked, totals: Totals) -> dict[str, Any] | None:
    model, instance, now_us = asked.model, asked.instance, to_us(asked.at)
    described = described_at(model, now_us)
    if described is None:
        return None
    nodes = _nodes(described, instance)
    parts = [
        (row, key)
        for row, key in enumerate(described.keys)
        if key.kind == "node" and key.code in nodes and key.carrier
    ]
    if not parts:
        return None
    spans = _spans(model, instance.headline.period, now_us)
    for span in (spans.before, spans.after):
        key = (model.site.id, spans.grain, span)
        if key not in totals:
            totals[key] = await _total(connection, described, spans.grain, span)
    before, after = (
        totals[model.site.id, spans.grain, span] for span in (spans.before, spans.after)
    )
    rows = [row for row, _ in parts]
    energy = np.array([block.energy_kwh[rows, 0] for block in (before, after)])
    emission = np.array(
        [open_sums.quantity_of(block, "emission_tco2e")[rows, 0] for block in (before, after)]
    )
    made = [_output(described, nodes, block) for block in (before, after)]
    is_energy = not instance.headline.measure.startswith(("emission", "intensity_kgco2e"))
    split = explain_change(
        energy, emission=energy if is_energy else emission, output=(made[0], made[1])
    )
    if np.isnan(split.change).all():
        # Nothing is known of the span before: what came since is no change.
        return None
    effects = ("volume", "intensity", "structure", "factor", "change")
    return {
        "unit": "kWh" if is_energy else "tCO2e",
        "compared": spans.words,
        "start": iso_utc(from_us(spans.after[0])),
        "end": iso_utc(from_us(spans.after[1])),
        "before_start": iso_utc(from_us(spans.before[0])),
        "before_end": iso_utc(from_us(spans.before[1])),
        # What is not known of a part is in no sum.
        **{name: finite(float(np.nansum(getattr(split, name)))) for name in effects},
        "parts": [
            {
                "node": key.code,
                "carrier": key.carrier,
                "factor_before": _quotient(emission[0, i], energy[0, i]),
                "factor_after": _quotient(emission[1, i], energy[1, i]),
                **{name: finite(float(getattr(split, name)[i])) for name in effects},
            }
            for i, (_, key) in enumerate(parts)
        ],
        "flows": _flows(described, nodes, before, after),
        "view": {
            "site": model.site.code,
            "node": min(nodes),
            "start": iso_utc(from_us(spans.before[0])),
            "end": iso_utc(from_us(spans.after[1])),
        },
    }


def _nodes(described: Described, instance: Instance) -> frozenset[str]:
    """Return the boundaries that an alert is about."""
    plant, arrays = described.plant, described.arrays
    if instance.kind == "site":
        return frozenset(
            code
            for code, parent in zip(arrays.node_code, arrays.node_parent_index, strict=True)
            if parent < 0
        )
    if instance.kind == "flow":
        return frozenset(flow.to_node for flow in plant.flows if flow.code == instance.object)
    if instance.kind == "product":
        return frozenset(one.node for one in plant.products if one.code == instance.object)
    return frozenset({instance.object} if instance.kind == "node" else ())


def _spans(model: SiteModel, period: str, now_us: int) -> _Spans:
    """Return the open span so far beside the same hours of the day before, or as long before."""
    site = model.site
    step_us = site.base_interval_us
    calendar = Clock(site.time_zone, model.day_start, step_us)
    # Up to the open base interval, which is not whole yet.
    end_us = now_us // step_us * step_us
    if period in _LONG:
        name: SumPeriod = "month" if period == "month" else "year"
        start_us, _ = open_sums.bounds_us(calendar, name, now_us)
        end_us, _ = open_sums.bounds_us(calendar, "day", now_us)
        end_us = max(end_us, start_us + _DAY_US)
        length_us = end_us - start_us
        return _Spans((start_us, end_us), (start_us - length_us, start_us), "day", "as long before")
    start_us = end_us - max(US_PER_HOUR, step_us)
    if period == "day":
        start_us = min(open_sums.bounds_us(calendar, "day", now_us)[0], end_us - step_us)
    return _Spans(
        (start_us, end_us),
        (start_us - _DAY_US, end_us - _DAY_US),
        "interval",
        "same hours of the day before",
    )


async def _total(
    connection: Connection, described: Described, grain: SumPeriod, span: tuple[int, int]
) -> ResultBlock:
    columns = await results.read_results(
        connection,
        series_ids=described.series_id.tolist(),
        grain=open_sums.GRAINS[grain],
        start_us=span[0],
        end_us=span[1],
    )
    block, starts_us = block_of(columns, series_id=described.series_id)
    return rollup(block, [0, len(starts_us)])


def _output(described: Described, nodes: frozenset[str], block: ResultBlock) -> float:
    """Return what the boundary made, where it makes one thing; else NaN."""
    made = [one.code for one in described.plant.products if one.node in nodes]
    if len(made) != 1:
        return float("nan")
    keys = enumerate(described.keys)
    row = next((row for row, key in keys if key.kind == "product" and key.code == made[0]), None)
    return float("nan") if row is None else float(block.amount[row, 0])


def _flows(
    described: Described, nodes: frozenset[str], before: ResultBlock, after: ResultBlock
) -> list[dict[str, Any]]:
    """Return the flows into the boundary that changed most, with their meters."""
    rows = {key.code: row for row, key in enumerate(described.keys) if key.kind == "flow"}
    meter_of = {
        point.code: meter.code for meter in described.plant.meters for point in meter.points
    }
    inward = {code for node in nodes for code in inflows(described.plant, node)}
    found: list[tuple[float, dict[str, Any]]] = []
    for flow in described.plant.flows:
        if flow.code not in inward or flow.code not in rows:
            continue
        row = rows[flow.code]
        used = [float(block.energy_kwh[row, 0]) for block in (before, after)]
        change = used[1] - used[0]
        said = {
            "flow": flow.code,
            "carrier": flow.carrier,
            "before_kwh": finite(used[0]),
            "after_kwh": finite(used[1]),
            "change_kwh": finite(change),
            "meters": sorted({meter_of[one.point] for one in flow.metered_by}),
        }
        found.append((abs(finite(change) or 0.0), said))
    found.sort(key=lambda one: -one[0])
    return [said for _, said in found[:_METERS_MAX]]


def _quotient(top: float, bottom: float) -> float | None:
    return finite(top / bottom) if bottom else None
