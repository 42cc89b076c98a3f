"""Derived numbers: upserts keyed by (series, grain, interval), with where they came from."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from psycopg import sql
from psycopg.types.json import Jsonb

from compute.periods import from_us, to_us
from services.store.binary import (
    ColumnType,
    copy_columns_in,
    copy_out_by,
    floats,
    instants,
    integers,
)
from services.store.pool import Connection
from services.store.sql import query

_MEASURES = (
    "amount",
    "energy_kwh",
    "coal_equivalent_tce",
    "coal_equal_tce",
    "emission_direct_tco2e",
    "emission_purchased_tco2e",
)
_COUNTS: tuple[ColumnType, ...] = ("integer", "integer", "bigint", "bigint")
_FLOAT: ColumnType = "float8"
_FLOATS: tuple[ColumnType, ...] = (_FLOAT,) * len(_MEASURES)
_WRITE_TYPES: tuple[ColumnType, ...] = (
    "timestamptz",
    "integer",
    "smallint",
    *_COUNTS,
    *_FLOATS,
)
_READ_TYPES: tuple[ColumnType, ...] = (
    "timestamptz",
    "integer",
    *_COUNTS,
    *_FLOATS,
)


@dataclass(frozen=True, slots=True)
class ResultColumns:
    """Results of one grain as columns.

    Attributes
    ----------
    ts_us : (n,) int64
        Start of the interval.
    series_id, quality, reading_count : (n,) int32
    covered_us, input_hash : (n,) int64
    measures : (n, 6) float64
        amount, energy_kwh, coal_equivalent_tce, coal_equal_tce, emission_direct_tco2e,
        emission_purchased_tco2e; NaN where there is none.
    """

    ts_us: npt.NDArray[np.int64]
    series_id: npt.NDArray[np.int32]
    quality: npt.NDArray[np.int32]
    reading_count: npt.NDArray[np.int32]
    covered_us: npt.NDArray[np.int64]
    input_hash: npt.NDArray[np.int64]
    measures: npt.NDArray[np.float64]

    def measure_lists(self) -> list[list[float | None]]:
        """Return the measures for people and files: a list of each, None where there is none."""
        values = self.measures.T.astype(object)
        values[np.isnan(self.measures.T)] = None
        return [*map(list, values)]

    def take(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> "ResultColumns":
        """Return some of the rows."""
        if rows.dtype == np.bool_ and rows.all():
            return self
        return ResultColumns(*(getattr(self, field.name)[rows] for field in fields(self)))

    def between(self, start_us: int, end_us: int) -> "ResultColumns":
        """Return the rows in [start, end)."""
        return self.take((self.ts_us >= start_us) & (self.ts_us < end_us))

    @classmethod
    def concatenate(cls, parts: Sequence["ResultColumns"]) -> "ResultColumns":
        """Return the rows of several, one after the other."""
        return cls(
            *(
                np.concatenate([getattr(part, field.name) for part in parts])
                for field in fields(cls)
            )
        )

    def differs(self, other: "ResultColumns") -> npt.NDArray[np.bool_]:
        """Return which rows say something else than those of another, of one length."""
        different = np.zeros(len(self.ts_us), dtype=np.bool_)
        for name in ("quality", "reading_count", "covered_us", "input_hash"):
            different |= getattr(self, name) != getattr(other, name)
        mine, others = self.measures, other.measures
        same = (mine == others) | (np.isnan(mine) & np.isnan(others))
        different |= ~np.all(same, axis=1)
        return different


async def put_results(
    connection: Connection,
    columns: ResultColumns,
    *,
    grain: int,
    others: Sequence[int],
    span_us: tuple[int, int],
) -> None:
    """Write results over what stands there; a row that is the same is not touched.

    Parameters
    ----------
    connection : Connection
    columns : ResultColumns
    grain : int
    others : sequence of int
        Series of which rows in the span may stand that are no results any more: what is not
        among the columns is deleted.
    span_us : (int, int)
        Half-open. [µs since 1970 UTC]
    """
    asked = sorted({*np.unique(columns.series_id).tolist(), *others})
    start_us, end_us = span_us
    if len(columns.ts_us):
        start_us = min(start_us, int(columns.ts_us.min()))
        end_us = max(end_us, int(columns.ts_us.max()) + 1)
        await connection.execute(
            query("ensure_partitions"), (from_us(start_us), from_us(end_us - 1))
        )
    # What stands is compared here: most of it is the same or not there yet, and to find that out
    # row by row in the database takes several times as long.
    standing = await read_results(
        connection, series_ids=asked, grain=grain, start_us=start_us, end_us=end_us
    )
    if not len(standing.ts_us):
        await _copy(connection, columns, "copy_results", grain=grain)
        return
    put, stood = _places(columns, standing, asked)
    at = np.full(max(put.max(initial=-1), stood.max(initial=-1)) + 1, -1, dtype=np.int64)
    at[stood] = np.arange(len(stood))
    old = at[put]
    await _copy(connection, columns.take(old < 0), "copy_results", grain=grain)
    both = np.flatnonzero(old >= 0)
    changed = both[columns.take(both).differs(standing.take(old[both]))]
    if len(changed):
        await connection.execute(query("make_result_stage"))
        await _copy(connection, columns.take(changed), "copy_result_stage", grain=grain)
        await connection.execute(query("put_staged_results"))
        await connection.execute(query("clear_result_stage"))
    at[put] = -1
    gone = (at[stood] >= 0) & np.isin(standing.series_id, np.array(others, dtype=np.int32))
    gone &= (standing.ts_us >= span_us[0]) & (standing.ts_us < span_us[1])
    if gone.any():
        await connection.execute(
            query("delete_results"),
            (
                integers(standing.series_id[gone]),
                instants(standing.ts_us[gone]),
                grain,
                *(from_us(us) for us in span_us),
            ),
        )


def _places(
    columns: ResultColumns, standing: ResultColumns, series_ids: Sequence[int]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return one number for each pair of series and interval, of the rows of both."""
    instants = np.unique(np.concatenate([np.unique(columns.ts_us), np.unique(standing.ts_us)]))
    known = np.array(series_ids, dtype=np.int32)
    put, stood = (
        np.searchsorted(known, part.series_id) * len(instants)
        + np.searchsorted(instants, part.ts_us)
        for part in (columns, standing)
    )
    return put, stood


async def _copy(
    connection: Connection, columns: ResultColumns, statement: str, *, grain: int
) -> None:
    count = len(columns.ts_us)
    if not count:
        return
    values = (
        columns.ts_us,
        columns.series_id,
        np.full(count, grain, dtype=np.int16),
        columns.quality,
        columns.reading_count,
        columns.covered_us,
        columns.input_hash,
        *columns.measures.T,
    )
    await copy_columns_in(connection, sql.SQL(query(statement)), _WRITE_TYPES, values)


async def read_results(
    connection: Connection, *, series_ids: Sequence[int], grain: int, start_us: int, end_us: int
) -> ResultColumns:
    """Return the results of series in [start, end), series by series."""
    select = sql.SQL(query("read_results")).format(
        series=sql.Literal(integers(series_ids)),
        grain=sql.Literal(grain),
        start=sql.Literal(from_us(start_us)),
        end=sql.Literal(from_us(end_us)),
    )
    return await columns_of(connection, select)


async def columns_of(connection: Connection, select: sql.Composed) -> ResultColumns:
    """Return what a query selects of results, in the order of `read_results`, series by series."""
    columns = await copy_out_by(connection, select, _READ_TYPES, by=1)
    ts_us, series_id, quality, reading_count, covered_us, input_hash, *measures = columns
    return ResultColumns(
        ts_us=ts_us,
        series_id=series_id,
        quality=quality,
        reading_count=reading_count,
        covered_us=covered_us,
        input_hash=input_hash,
        measures=np.stack(measures).T,
    )


async def newest_result(
    connection: Connection, *, series_ids: Sequence[int], start_us: int, end_us: int
) -> int | None:
    """Return when the newest base interval begins that has a result in [start, end), if one has."""
    values = (integers(series_ids), from_us(start_us), from_us(end_us))
    row = await (await connection.execute(query("newest_result"), values)).fetchone()
    return None if row is None or row["ts"] is None else to_us(row["ts"])


async def results_digest(
    connection: Connection, *, site_id: int, start: datetime, end: datetime
) -> tuple[int, str]:
    """Return how many results of a site lie in [start, end), and a digest of every bit of them."""
    row = await (
        await connection.execute(query("results_digest"), (site_id, start, end))
    ).fetchone()
    if row is None:
        raise AssertionError("an aggregate has one row")
    return int(row["row_count"]), str(row["digest"])


async def put_point_states(
    connection: Connection,
    *,
    point_id: npt.NDArray[np.int32],
    first_us: npt.NDArray[np.int64],
    last_us: npt.NDArray[np.int64],
    last_value: npt.NDArray[np.float64],
    last_quality: npt.NDArray[np.int32],
) -> None:
    """Widen the span of readings known of each point; the newest value stands."""
    await connection.execute(
        query("put_point_states"),
        (
            integers(point_id),
            instants(first_us),
            instants(last_us),
            floats(last_value),
            integers(last_quality),
        ),
    )


async def point_spans(
    connection: Connection, point_ids: Sequence[int]
) -> dict[int, tuple[int, int]]:
    """Return first and last reading of each point that has one. [µs since 1970 UTC]."""
    rows = await (
        await connection.execute(query("point_states"), (integers(point_ids),))
    ).fetchall()
    return {row["point_id"]: (to_us(row["first_ts"]), to_us(row["last_ts"])) for row in rows}


async def put_factor_set(connection: Connection, *, tenant_id: int, factors: object) -> int:
    """Keep the factors a result stands on, once, and return their number."""
    digest = sha256(msgspec.json.encode(factors, order="sorted")).digest()
    await connection.execute(query("put_factor_set"), (tenant_id, digest, Jsonb(factors)))
    row = await (await connection.execute(query("find_factor_set"), (tenant_id, digest))).fetchone()
    if row is None:
        raise AssertionError("the factor set was just put")
    return int(row["id"])


@dataclass(frozen=True, slots=True)
class Origin:
    """What a run of base intervals was computed with."""

    formula: str
    factor_set_id: int
    plant_version_id: int
    code_version: str


async def put_provenance(
    connection: Connection,
    *,
    site_id: int,
    ts_us: Sequence[int],
    input_hashes: Sequence[bytes],
    origin: Origin,
    at: datetime,
) -> None:
    """Write what each base interval was computed from; the same origin is not touched."""
    await connection.execute(
        query("put_provenance"),
        (
            site_id,
            [from_us(us) for us in ts_us],
            origin.formula,
            list(input_hashes),
            origin.factor_set_id,
            origin.plant_version_id,
            origin.code_version,
            at,
        ),
    )


async def input_hashes(
    connection: Connection, *, site_id: int, formula: str, start: datetime, end: datetime
) -> list[bytes]:
    """Return what the base intervals in [start, end) were computed from, oldest first."""
    values = (site_id, formula, start, end)
    rows = await (await connection.execute(query("input_hashes"), values)).fetchall()
    return [bytes(row["input_hash"]) for row in rows]


async def tenant_factors(
    connection: Connection, tenant_id: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return what a tenant confirmed and what it set itself, as rows."""
    confirmed = await connection.execute(query("tenant_confirmations"), (tenant_id,))
    overrides = await connection.execute(query("tenant_overrides"), (tenant_id,))
    return await confirmed.fetchall(), await overrides.fetchall()
