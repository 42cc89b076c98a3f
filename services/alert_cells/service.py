"""Values about the centre itself: whether it hears, keeps up, and has room."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from compute.topology import Float1D
from services import clock, lease
from services.alert_cells.wanted import Wanted
from services.store import alert_facts as store
from services.store.pool import Connection

MEASURES = (
    "ingest_lag_s",
    "worker_lag_s",
    "ingest_running",
    "broker_connected",
    "disk_free_share",
    "database_answer_s",
)
_S = timedelta(seconds=1)
# What ingest says of itself every two seconds is not known when it is older than this.
_SAID = 10 * _S


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """What is known of the centre; NaN and None: not known.

    Attributes
    ----------
    ingest_since : datetime or None
        Since when ingest has been seen to run; None: it does not.
    """

    ingest_since: datetime | None = None
    ingest_running: float = np.nan
    ingest_lag_s: float = np.nan
    worker_lag_s: float = np.nan
    broker_connected: float = np.nan
    disk_free_share: float = np.nan
    database_answer_s: float = np.nan


async def look(
    connection: Connection, before: ServiceFacts, *, at: datetime, disk_free_share: float
) -> ServiceFacts:
    """Return what is known now; `before` is what was known at the last look."""
    began_s = clock.monotonic()
    is_running = await lease.is_held(connection, "ingest")
    answer_s = clock.monotonic() - began_s
    waiting = await store.service_lag(connection)
    said = await store.service_state(connection, "ingest") if is_running else None
    known = ServiceFacts(
        ingest_since=(before.ingest_since or at) if is_running else None,
        ingest_running=float(is_running),
        worker_lag_s=0.0 if waiting is None else max((at - waiting) / _S, 0.0),
        disk_free_share=disk_free_share,
        database_answer_s=answer_s,
    )
    if said is None or at - said[0] > _SAID:
        return known
    return replace(
        known,
        broker_connected=float(said[1]["connected"]),
        ingest_lag_s=float(said[1]["waiting_s"]),
    )


def fill(values: Float1D, wanted: Sequence[Wanted], facts: ServiceFacts) -> None:
    """Write what is known into the cells of services."""
    for place, cell in wanted:
        if cell.measure in MEASURES:
            values[place] = getattr(facts, cell.measure)
