"""Reconciled balances: a row per site and interval, with arrays in the order of a network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from psycopg import sql
from psycopg.types.json import Jsonb

from compute.closing import Closed
from compute.periods import from_us
from services.store.binary import RowType, copy_in, copy_out, pack_arrays
from services.store.pool import Connection
from services.store.rows import fetch_all
from services.store.sql import query

_NUMBERS: tuple[RowType, ...] = ("float8",) * 4


async def find_network(
    connection: Connection, *, site_id: int, document: Mapping[str, Any]
) -> int | None:
    """Return the number of what the places of arrays are, None if it was never kept."""
    row = await (
        await connection.execute(query("find_balance_network"), (site_id, _digest(document)))
    ).fetchone()
    return None if row is None else int(row["id"])


async def put_network(
    connection: Connection, *, tenant_id: int, site_id: int, document: Mapping[str, Any]
) -> int:
    """Keep what the places of the arrays are, once, and return its number."""
    found = await find_network(connection, site_id=site_id, document=document)
    if found is not None:
        return found
    await connection.execute(
        query("put_balance_network"), (tenant_id, site_id, _digest(document), Jsonb(document))
    )
    found = await find_network(connection, site_id=site_id, document=document)
    if found is None:
        raise AssertionError("the network was just put")
    return found


def _digest(document: Mapping[str, Any]) -> bytes:
    return sha256(msgspec.json.encode(document, order="sorted")).digest()


async def networks(connection: Connection, site_id: int) -> dict[int, dict[str, Any]]:
    """Return what the places of arrays are, by number of the network."""
    rows = await (await connection.execute(query("balance_networks"), (site_id,))).fetchall()
    return {row["id"]: row["document"] for row in rows}


@dataclass(frozen=True, slots=True)
class Place:
    """Of which site, grain and network balances are, and the span that they were computed for."""

    tenant_id: int
    site_id: int
    grain: int
    network_id: int
    formula: int
    span_us: tuple[int, int]


async def put_balances(
    connection: Connection, closed: Closed, *, ts_us: npt.NDArray[np.int64], place: Place
) -> None:
    """Write balances over what stands in the span; a row that is the same is not touched."""
    start, end = (from_us(us) for us in place.span_us)
    await connection.execute(query("make_balance_stage"))
    if ts_us.size:
        await copy_in(
            connection, sql.SQL(query("copy_balance_stage")), _packed(closed, ts_us, place.formula)
        )
        await connection.execute(
            query("put_staged_balances"),
            (place.site_id, place.grain, place.tenant_id, place.network_id),
        )
    await connection.execute(
        query("delete_other_balances"), (place.site_id, place.grain, start, end)
    )
    await connection.execute(query("clear_balance_stage"))
    await connection.execute(query("delete_suspects"), (place.site_id, place.grain, start, end))
    suspects = [
        (
            place.site_id,
            place.grain,
            from_us(at),
            step,
            place.tenant_id,
            list(suspect.rows),
            suspect.z,
            suspect.bias_kwh,
            suspect.bias_sigma_kwh,
        )
        for at, found in zip(ts_us.tolist(), closed.suspects, strict=True)
        for step, suspect in enumerate(found)
    ]
    await connection.cursor().executemany(query("put_suspect"), suspects)


def _packed(closed: Closed, ts_us: npt.NDArray[np.int64], formula: int) -> bytes:
    count = ts_us.size
    arrays = (
        closed.measured_kwh,
        closed.sigma_kwh,
        closed.value_kwh,
        closed.value_sigma_kwh,
        closed.z,
    )
    width = closed.z.shape[0]
    return pack_arrays(
        (
            "timestamptz",
            "smallint",
            "integer",
            *_NUMBERS,
            *((("float8", width),) * len(arrays)),
            *((("smallint", width),) * 2),
        ),
        (
            ts_us,
            np.full(count, formula, dtype=np.int16),
            closed.degrees_of_freedom,
            closed.objective,
            closed.objective_left,
            closed.critical_objective,
            closed.critical_z,
            *(array.T for array in arrays),
            closed.row_class.T,
            closed.alike.T,
        ),
    )


@dataclass(frozen=True, slots=True)
class BalanceRow:
    """The balance of one interval; arrays in the order of its network, NaN where there is none."""

    ts: datetime
    network_id: int
    formula: int
    degrees_of_freedom: int
    objective: float | None
    objective_left: float | None
    critical_objective: float | None
    critical_z: float | None
    measured_kwh: list[float]
    sigma_kwh: list[float]
    value_kwh: list[float]
    value_sigma_kwh: list[float]
    z: list[float]
    row_class: list[int]
    alike: list[int]


@dataclass(frozen=True, slots=True)
class SuspectRow:
    """Meters that contradict the balances of an interval."""

    ts: datetime
    step: int
    place: list[int]
    z: float
    bias_kwh: float
    bias_sigma_kwh: float


async def read_balances(
    connection: Connection, *, site_id: int, grain: int, start: datetime, end: datetime
) -> list[BalanceRow]:
    """Return the balances whose interval starts in [start, end), oldest first."""
    return await fetch_all(
        connection, BalanceRow, "balance_rows", (site_id, int(grain), start, end)
    )


async def read_suspects(
    connection: Connection, *, site_id: int, grain: int, start: datetime, end: datetime
) -> list[SuspectRow]:
    """Return the suspects of the balances whose interval starts in [start, end), oldest first."""
    return await fetch_all(
        connection, SuspectRow, "balance_suspects", (site_id, int(grain), start, end)
    )


async def read_columns(
    connection: Connection,
    *,
    site_id: int,
    grain: int,
    network: tuple[int, int],
    span_us: tuple[int, int],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return when, (k,), and the measured and reconciled rows, (k, r), of one network.

    Parameters
    ----------
    network : (int, int)
        Its number, and how many rows it has.
    span_us : (int, int)
        Half-open. [µs since 1970 UTC]
    """
    number, width = network
    start, end = (from_us(us) for us in span_us)
    select = sql.SQL(query("balance_measured")).format(
        site=sql.Literal(site_id),
        grain=sql.Literal(int(grain)),
        network=sql.Literal(number),
        start=sql.Literal(start),
        end=sql.Literal(end),
    )
    types: Sequence[RowType] = ("timestamptz", ("float8", width), ("float8", width))
    ts_us, measured, value = await copy_out(connection, select, types)
    return ts_us, measured, value
