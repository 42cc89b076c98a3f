"""Live values of a site: what flows now, and what the open interval and the day came to so far.

One pass reads the last minutes of readings and the stored results that are not closed yet, and
makes the payload of one `live` event. Sums are those that the drain of dirty intervals keeps, so a
page, an answer of the API and an alert can never disagree about them.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from compute.block import ResultBlock
from compute.flow import Stored
from compute.live import trailing_rates
from compute.periods import Grain, from_us, period_edges_us, time_of_day, to_us
from services import lease, live_balance, live_benchmarks, traced
from services.json_values import iso_utc
from services.live_benchmarks import LiveBenchmarks
from services.live_payload import Layout, rates_of, so_far
from services.live_readings import BEHIND_US, WINDOW_US, LiveReadings
from services.rollup_rows import block_of
from services.site_model import SiteModel, Span
from services.store import events, live, results, topology
from services.store.ledger import Arrived
from services.store.live import MemberSite
from services.store.pool import Connection
from services.store.topology import Site

# What storages hold is looked up this often.
_SELDOM_S = 10
# Readings arrive, are committed and computed within this; else what is missing is missing.
_LATE_US = 120_000_000


@dataclass(slots=True)
class LiveSite:
    """A site as it was seen a second ago: spares looking up what cannot have changed.

    Nothing in it enters a value: it may be thrown away at any time.
    """

    model: SiteModel
    span: Span | None = None
    layout: Layout | None = None
    benchmarks: LiveBenchmarks | None = None
    readings: LiveReadings | None = None
    stored: Stored | None = None
    stored_due: datetime | None = None

    def arrived(self, news: Arrived) -> bool:
        """Note what is to be read again; return whether live values can differ by it."""
        return self.readings is None or self.readings.arrived(news)

    def forget(self) -> None:
        """Have all readings read again: nobody may have said that something arrived."""
        if self.readings is not None:
            self.readings.forget()

    def enter(self, at_us: int) -> bool:
        """Find what holds at an instant; return whether anything does."""
        if self.span is None or not self.span.start_us <= at_us < self.span.end_us:
            step_us = self.model.site.base_interval_us
            start_us = at_us // step_us * step_us
            # A span of one interval: what changes at its end is found then.
            spans = self.model.spans(start_us, start_us + step_us)
            self.span = spans[0] if spans else None
            if self.span is not None and (
                self.layout is None or self.layout.described is not self.span.described
            ):
                self.layout = Layout(self.span.described)
                self.benchmarks = LiveBenchmarks(self.model, self.span.described)
                self.readings = LiveReadings(self.span.described)
                self.stored_due = None
        return self.span is not None


async def emit(
    connection: Connection, site: LiveSite, *, at: datetime, ingest: bool
) -> dict[str, Any] | None:
    """Append the `live` event of a site; return its payload, None if there is nothing to tell."""
    payload = await measure(connection, site, at=at, ingest=ingest)
    if payload is None:
        return None
    await events.add_event(
        connection,
        tenant_id=site.model.site.tenant_id,
        site_id=site.model.site.id,
        kind="live",
        at=at,
        payload=payload,
    )
    return payload


async def measure(
    connection: Connection, site: LiveSite, *, at: datetime, ingest: bool
) -> dict[str, Any] | None:
    """Return the payload of a `live` event; None while no description is in force."""
    now_us = to_us(at)
    if not site.enter(now_us) or site.span is None or site.layout is None:
        return None
    if site.benchmarks is None or site.readings is None:
        raise AssertionError("a layout comes with its benchmarks and readings")
    described = site.span.described
    await site.readings.read(connection, at=at)
    newest_us = site.readings.newest_us(at)
    if newest_us is None:
        span = await topology.reading_span(connection, site.model.site.id)
        newest_us = None if span is None else to_us(span[1])
    end_us = now_us - BEHIND_US if newest_us is None else max(newest_us, now_us - BEHIND_US)
    end_us = min(end_us, now_us)
    loaded = site.readings.around(end_us - WINDOW_US)
    rates = None
    if len(loaded.ts_us):
        rates = trailing_rates(
            loaded,
            topology=described.arrays,
            factors=site.span.factors_over(np.array([end_us - 1])),
            end_us=end_us,
            window_us=WINDOW_US,
        )
    own = site.model.site
    balance, carbon = await _balanced(connection, site, rates, at=at, end_us=end_us)
    interval = _bounds(own, end_us, Grain.BASE)
    day = _bounds(own, end_us, Grain.DAY)
    return {
        "window_start": iso_utc(from_us(end_us - WINDOW_US)),
        "window_end": iso_utc(from_us(end_us)),
        "interval_start": iso_utc(from_us(interval[0])),
        "interval_end": iso_utc(from_us(interval[1])),
        "day_start": iso_utc(from_us(day[0])),
        "newest_reading": None if newest_us is None else iso_utc(from_us(newest_us)),
        "services": {"ingest": ingest},
        **rates_of(site.layout, rates),
        "balance": balance,
        "carbon": carbon,
        "interval": await _sums(connection, site.layout, Grain.BASE, interval, end_us),
        "day": await _sums(connection, site.layout, Grain.DAY, day, end_us),
        "benchmark": await live_benchmarks.columns_of(connection, site.benchmarks, at=at),
        "members": await _members(connection, own, at=at)
        if described.plant.kind == "park"
        else None,
    }


async def _balanced(
    connection: Connection, site: LiveSite, rates: ResultBlock | None, *, at: datetime, end_us: int
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Return the balance and the carbon flow of the window, None where there is none."""
    if site.span is None:
        return None, None
    described = site.span.described
    closed = live_balance.closed_rates(site.span, rates, window_us=WINDOW_US)
    if closed is None:
        return None, None
    if site.stored is None or site.stored_due is None or at >= site.stored_due:
        # What storages hold changes with every closed interval.
        site.stored = await traced.stored_before(connection, site.model.site.id, described, at=at)
        site.stored_due = at + timedelta(seconds=_SELDOM_S)
    return (
        live_balance.balance_columns(described, closed),
        live_balance.carbon_columns(site.span, closed, site.stored, at_us=end_us - 1),
    )


async def ingest_is_running(connection: Connection) -> bool:
    """Return whether a process that takes readings in is alive."""
    return await lease.is_held(connection, "ingest")


def _bounds(site: Site | MemberSite, at_us: int, grain: Grain) -> tuple[int, int]:
    """Return start and end of the interval of a site that holds an instant. [µs]."""
    edges = period_edges_us(
        from_us(at_us),
        from_us(at_us + 1),
        grain=grain,
        time_zone=site.time_zone,
        day_start=time_of_day(site.day_start_us),
        base_interval_us=site.base_interval_us,
    )
    return int(edges[0]), int(edges[1])


async def _sums(
    connection: Connection, layout: Layout, grain: Grain, bounds: tuple[int, int], end_us: int
) -> dict[str, Any]:
    """Return what the stored results of the site say of an interval that is not over."""
    columns = await results.read_results(
        connection,
        series_ids=layout.roots.tolist(),
        grain=grain,
        start_us=bounds[0],
        end_us=bounds[0] + 1,
    )
    block, _ = block_of(columns, series_id=layout.roots)
    return so_far(block, elapsed_us=end_us - bounds[0], late_us=_LATE_US)


async def _members(connection: Connection, park: Site, *, at: datetime) -> list[dict[str, Any]]:
    """Return the day so far of the members that consent: sums, no curves."""
    now_us = to_us(at)
    members = []
    for member in await live.consenting_members(connection, tenant_id=park.tenant_id, at=at):
        day = _bounds(member, now_us, Grain.DAY)
        columns = await live.member_day(connection, member, start=from_us(day[0]))
        block, _ = block_of(columns, series_id=columns.series_id)
        members.append(
            {
                "member_code": member.member_code,
                "name_zh": member.name_zh,
                "name_en": member.name_en,
                "site_code": member.site_code,
                "day": so_far(
                    block,
                    elapsed_us=now_us - day[0],
                    late_us=_LATE_US + member.base_interval_us,
                ),
            }
        )
    return members
