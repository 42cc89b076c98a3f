"""The balance and the carbon flow of the last minute: columns of a `live` event.

The rates of an hour are closed and traced as the amounts of an hour are. A meter's step weighs as
much more as the window is shorter; what stands for a silent meter may be anything up to twice
itself. So a suspect of a minute is one that stands out from its neighbours' readings, not a delay.
"""

from dataclasses import asdict
from datetime import datetime
from typing import Any

import numpy as np

from compute.balance import incident_flows
from compute.block import ResultBlock
from compute.closing import Closed, close_balances
from compute.flow import Stored
from compute.network import expect_losses, expect_shortfalls
from compute.periods import US_PER_HOUR, Grain, from_us, to_us
from compute.quality import Quality
from services import traced
from services.balance_figures import CLASS_NAMES, named_suspect, nodal_tests, test_of
from services.json_values import iso_utc
from services.live_payload import numbers
from services.reconciled import Kept, chosen_of, has_balances, measured_rows
from services.site_model import Described, SiteModel, Span
from services.store import events
from services.store.pool import Connection

_UNSURE = int(Quality.HELD | Quality.INTERPOLATED)
_KG_PER_T = 1000.0
_YOUNG_US = {Grain.BASE: 2 * US_PER_HOUR, Grain.DAY: 48 * US_PER_HOUR}


def closed_rates(span: Span, rates: ResultBlock | None, *, window_us: int) -> Closed | None:
    """Return the closed balance of the rates of a window; None where there is nothing to close."""
    described = span.described
    if rates is None or not has_balances(described):
        return None
    network = described.balanced.network
    measured, sigma = measured_rows(
        described,
        rates,
        span.factors,
        span_us=US_PER_HOUR,
        unsure=_UNSURE,
        resolution_factor=US_PER_HOUR / window_us,
    )
    if not np.isfinite(measured).any():
        return None
    expect_losses(network, measured, sigma, hours=1.0)
    expect_shortfalls(network, measured, sigma)
    return close_balances(network, measured, sigma)


def balance_columns(described: Described, closed: Closed | None) -> dict[str, Any] | None:
    """Return test, flows, node residuals and suspects of the open interval."""
    if closed is None:
        return None
    network = described.balanced.network
    count = network.flow_count
    suspect = {row for found in closed.suspects[0] for row in found.rows}
    measured, value = closed.measured_kwh[:count, 0], closed.value_kwh[:count, 0]
    nodes, residuals = _residuals(described, measured)
    tests = nodal_tests(network, closed.measured_kwh[:, 0], closed.sigma_kwh[:, 0])
    named = [
        named_suspect(described, s.rows, s.z, s.bias_kwh, s.bias_sigma_kwh)
        for s in closed.suspects[0]
    ]
    return {
        "test": asdict(test_of(closed)),
        "flow": {
            "code": list(described.arrays.flow_code),
            "value_kw": numbers(value),
            "sigma_kw": numbers(closed.value_sigma_kwh[:count, 0]),
            "adjustment_kw": numbers(value - measured),
            "z": numbers(closed.z[:count, 0]),
            "class": [CLASS_NAMES[kind] for kind in closed.row_class[:count, 0].tolist()],
            "suspect": [row in suspect for row in range(count)],
        },
        "node": {
            "code": nodes,
            "residual_kw": numbers(residuals),
            "residual_z": numbers([tests[code] for code in nodes]),
        },
        "suspects": [
            {
                "flows": list(s.flows),
                "nodes": list(s.nodes),
                "meters": list(s.meters),
                "z": s.z,
                "bias_kw": s.bias_kwh,
                "bias_sigma_kw": s.bias_sigma_kwh,
            }
            for s in named
        ],
    }


async def announce(connection: Connection, model: SiteModel, kept: Kept, *, at: datetime) -> None:
    """Append a `balance` event for every young interval with new suspects, for alerts.

    What is computed long after it happened tells nobody anything.
    """
    youngest_us = to_us(at) - _YOUNG_US[kept.grain]
    for j in kept.news:
        if kept.ts_us[j] < youngest_us:
            continue
        chosen = np.array([j])
        closed = chosen_of(kept.closed, chosen)
        await events.add_event(
            connection,
            tenant_id=model.site.tenant_id,
            site_id=model.site.id,
            kind="balance",
            at=at,
            payload={
                "site": model.site.code,
                "grain": kept.grain.code,
                "start": iso_utc(from_us(int(kept.ts_us[j]))),
                "test": asdict(test_of(closed)),
                "suspects": [
                    asdict(named_suspect(kept.described, s.rows, s.z, s.bias_kwh, s.bias_sigma_kwh))
                    for s in closed.suspects[0]
                ],
            },
        )


def _residuals(
    described: Described, measured: np.ndarray[Any, np.dtype[np.float64]]
) -> tuple[list[str], list[float]]:
    """Return inputs less outputs of every node in balance, as metered; NaN where one is not."""
    arrays = described.arrays
    incident = incident_flows(arrays)
    codes = described.balanced.network.balances.balance_code
    residuals = []
    for code in codes:
        node = arrays.node_code.index(code)
        part = slice(int(incident.offset[node]), int(incident.offset[node + 1]))
        flows = incident.row_index[part]
        residuals.append(float((incident.weight[part] * measured[flows]).sum()))
    return list(codes), residuals


def carbon_columns(
    span: Span, closed: Closed | None, stored: Stored, *, at_us: int
) -> dict[str, Any] | None:
    """Return the intensity of what leaves each node in the open interval."""
    if closed is None:
        return None
    found = traced.trace_span(span, closed.value_kwh, stored, ts_us=np.array([at_us]))
    location, market = traced.intensities(span.described.balanced.graph, found)
    return {
        "node": {
            "code": list(span.described.arrays.node_code),
            "location_kgco2e_per_kwh": numbers(_KG_PER_T * location[:, 0]),
            "market_kgco2e_per_kwh": numbers(_KG_PER_T * market[:, 0]),
        }
    }
