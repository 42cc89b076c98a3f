"""Carbon flows: intensities of nodes per interval, what storages hold, and what is to be traced."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
from psycopg import sql

from compute.periods import from_us, to_us
from services.store.binary import RowType, copy_in, copy_out, pack_arrays
from services.store.pool import Connection
from services.store.rows import fetch_all
from services.store.sql import query


async def mark_carbon(
    connection: Connection, *, tenant_id: int, site_id: int, span_us: tuple[int, int]
) -> None:
    """Note that the balances of a span changed."""
    start, end = (from_us(us) for us in span_us)
    await connection.execute(query("mark_carbon"), (site_id, tenant_id, start, end))


async def take_carbon_mark(connection: Connection, site_id: int) -> tuple[int, int] | None:
    """Take the mark of a site off and return its span, if it has one. [µs since 1970 UTC]."""
    row = await (await connection.execute(query("take_carbon_mark"), (site_id,))).fetchone()
    return None if row is None else (to_us(row["start_ts"]), to_us(row["end_ts"]))


async def newest_balance_us(connection: Connection, site_id: int) -> int | None:
    """Return when the newest balance begins. [µs since 1970 UTC]."""
    row = await (await connection.execute(query("newest_balance"), (site_id,))).fetchone()
    return None if row is None or row["ts"] is None else to_us(row["ts"])


@dataclass(frozen=True, slots=True)
class HeldRow:
    """What the storages of a network held after an interval."""

    network_id: int
    held_kwh: list[float]
    held: list[float]


async def held_before(connection: Connection, *, site_id: int, at: datetime) -> HeldRow | None:
    """Return what storages held after the last interval that starts before an instant."""
    rows = await fetch_all(connection, HeldRow, "carbon_before", (site_id, at))
    return rows[0] if rows else None


async def read_states(
    connection: Connection,
    *,
    site_id: int,
    network: tuple[int, int, int],
    span_us: tuple[int, int],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return when, and what storages held, in no order.

    Parameters
    ----------
    network : (int, int, int)
        Its number, how many storages it has, and how many numbers they hold.
    """
    number, width, held_width = network
    select = sql.SQL(query("carbon_states")).format(
        site=sql.Literal(site_id),
        network=sql.Literal(number),
        start=sql.Literal(from_us(span_us[0])),
        end=sql.Literal(from_us(span_us[1])),
    )
    types: tuple[RowType, ...] = ("timestamptz", ("float8", width), ("float8", held_width))
    ts_us, held_kwh, held = await copy_out(connection, select, types)
    return ts_us, held_kwh, held


async def put_carbon(
    connection: Connection,
    columns: tuple[npt.NDArray[np.float64], ...],
    *,
    ts_us: npt.NDArray[np.int64],
    site: tuple[int, int],
    network_id: int,
    formula: int,
) -> None:
    """Write carbon flows over what stands there; a row that is the same is not touched.

    Parameters
    ----------
    columns : location- and market-based intensity (k, n), held_kwh (k, m), held (k, l)
    site : (int, int)
        Its number and its tenant's.
    """
    if not ts_us.size:
        return
    types: tuple[RowType, ...] = (
        "timestamptz",
        *(("float8", int(column.shape[1])) for column in columns),
    )
    await connection.execute(query("make_carbon_stage"))
    await copy_in(
        connection, sql.SQL(query("copy_carbon_stage")), pack_arrays(types, (ts_us, *columns))
    )
    await connection.execute(query("put_staged_carbon"), (*site, network_id, formula))
    await connection.execute(query("clear_carbon_stage"))


async def delete_other_carbon(
    connection: Connection, *, site_id: int, span_us: tuple[int, int]
) -> None:
    """Delete the carbon flows of intervals that have no balance any more."""
    start, end = (from_us(us) for us in span_us)
    await connection.execute(query("delete_other_carbon"), (site_id, start, end))


@dataclass(frozen=True, slots=True)
class CarbonRow:
    """Intensities of nodes in one interval, in the order of its network; NaN: not known."""

    ts: datetime
    network_id: int
    formula: int
    location_tco2e_per_kwh: list[float]
    market_tco2e_per_kwh: list[float]


async def read_carbon(
    connection: Connection, *, site_id: int, start: datetime, end: datetime
) -> list[CarbonRow]:
    """Return the carbon flows of intervals that start in [start, end), oldest first."""
    return await fetch_all(connection, CarbonRow, "carbon_rows", (site_id, start, end))
