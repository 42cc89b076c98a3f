"""What rules ask of meters, data and the centre itself, as of now."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from psycopg.types.json import Jsonb

from services.store.pool import Connection
from services.store.rows import fetch_all
from services.store.sql import query


@dataclass(frozen=True, slots=True)
class PointAge:
    """A point in use, and its last reading (or its beginning)."""

    code: str
    gateway: str
    since: datetime


async def point_ages(connection: Connection, *, site_id: int, at: datetime) -> list[PointAge]:
    """Return the points in use at an instant, with when each was last heard of."""
    return await fetch_all(connection, PointAge, "alert_point_ages", (site_id, at))


async def gaps(connection: Connection, site_id: int) -> dict[str, datetime | None]:
    """Return, of each gateway, since when message numbers are missing."""
    rows = await (await connection.execute(query("alert_gaps"), (site_id,))).fetchall()
    return {row["gateway"]: row["since"] for row in rows}


async def frozen(connection: Connection, *, site_id: int, since: datetime) -> set[str]:
    """Return the points that were found frozen since an instant."""
    rows = await (await connection.execute(query("alert_frozen"), (site_id, since))).fetchall()
    return {row["code"] for row in rows}


async def received(
    connection: Connection, *, site_id: int, at: datetime
) -> dict[str, tuple[float, float]]:
    """Return how many readings of each gateway came in the last hour, and were quarantined.

    Counts are kept by the hour: of the hour before, the share that is not an hour old counts.
    """
    rows = await (await connection.execute(query("alert_received"), (site_id, at))).fetchall()
    return {row["gateway"]: (row["received"], row["quarantined"]) for row in rows}


async def suspects(
    connection: Connection, *, site_id: int, grain: int, since: datetime
) -> dict[str, float] | None:
    """Return |z| of the flows of the newest balance since an instant; None without any.

    A flow that is no suspect has 0.
    """
    values = (site_id, grain, since)
    rows = await (await connection.execute(query("alert_suspects"), values)).fetchall()
    if not rows:
        return None
    places = rows[0]["document"]["rows"]
    found = {place["code"]: 0.0 for place in places if place["kind"] == "flow"}
    for row in rows:
        for place in row["place"] or ():
            code = places[place]["code"]
            if code in found:
                found[code] = max(found[code], abs(row["z"]))
    return found


@dataclass(frozen=True, slots=True)
class Measured:
    """What a balance was closed from, by the rows of its network: values and sigmas, in kWh."""

    code: tuple[str, ...]
    measured_kwh: npt.NDArray[np.float64]
    sigma_kwh: npt.NDArray[np.float64]


async def newest_balance(
    connection: Connection, *, site_id: int, grain: int, since: datetime
) -> Measured | None:
    """Return what the newest balance since an instant was closed from; None without any."""
    values = (site_id, grain, since)
    row = await (await connection.execute(query("alert_newest_balance"), values)).fetchone()
    if row is None:
        return None
    return Measured(
        tuple(place["code"] for place in row["document"]["rows"]),
        np.array(row["measured_kwh"], dtype=np.float64),
        np.array(row["sigma_kwh"], dtype=np.float64),
    )


async def site_lag(connection: Connection, site_id: int) -> datetime | None:
    """Return since when the oldest dirty interval of a site waits; None: none does."""
    row = await (await connection.execute(query("alert_site_lag"), (site_id,))).fetchone()
    return None if row is None else row["since"]


async def service_lag(connection: Connection) -> datetime | None:
    """Return since when the oldest dirty interval of any site waits; None: none does."""
    row = await (await connection.execute(query("alert_service_lag"))).fetchone()
    return None if row is None else row["since"]


async def put_service_state(
    connection: Connection, *, name: str, at: datetime, detail: dict[str, Any]
) -> None:
    """Write what a process says of itself."""
    await connection.execute(query("service_state_put"), (name, at, Jsonb(detail)))


async def service_state(
    connection: Connection, name: str
) -> tuple[datetime, dict[str, Any]] | None:
    """Return what a process last said of itself, and when."""
    row = await (await connection.execute(query("service_state"), (name,))).fetchone()
    return None if row is None else (row["at"], row["detail"])
