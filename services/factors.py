"""Factors as a tenant sees and settles them: the book, confirmations, own figures.

A change of factors changes history: what is computed with them is computed again by the worker.
"""

from dataclasses import asdict
from datetime import date, datetime, timedelta

from compute.errors import NengtanError
from services.reference import (
    CarrierNotFound,
    Factor,
    FactorBook,
    FactorNotFound,
    Override,
    OverrideRefused,
    ValidityOverlap,
)
from services.refusal import NotFound, Refusal
from services.site_model import load_factor_book
from services.store import accounts, ledger
from services.store import factors as store
from services.store.factors import OverrideRow
from services.store.pool import Connection, Database

_MICROSECOND = timedelta(microseconds=1)
_DAY = timedelta(days=1)


class FactorRefused(Refusal):
    """An own figure that cannot be taken as it stands."""

    code = "factor_invalid"


async def load_book(database: Database, *, tenant_id: int) -> FactorBook:
    """Return the factors of a tenant: the reference, what it confirmed, what it states itself."""
    async with database.transaction(tenant_id, snapshot=True) as connection:
        return await load_factor_book(connection, tenant_id)


async def confirm(
    database: Database, *, tenant_id: int, actor: str, factor_id: str, reason: str
) -> Factor:
    """Vouch for a recalled figure; what needs it is computed again.

    Raises
    ------
    NotFound
        If no factor has the id.
    """
    async with database.transaction(tenant_id) as connection:
        await store.lock(connection)
        book = await load_factor_book(connection, tenant_id)
        try:
            before = book.get(factor_id)
        except FactorNotFound as error:
            raise NotFound("factor") from error
        added = await store.add_confirmation(
            connection, tenant_id=tenant_id, factor_id=factor_id, reason=reason, actor=actor
        )
        if added:
            await accounts.record_change(
                connection,
                tenant_id=tenant_id,
                actor=actor,
                action="factor.confirm",
                object_kind="factor",
                object_code=factor_id,
                before={"active": before.active},
                after={"active": True, "reason": reason},
            )
            # Lookups fall back on figures of other years: all of history may use it.
            await _recompute(connection, start=None, end=None)
        after = await load_factor_book(connection, tenant_id)
    return after.get(factor_id)


async def list_overrides(database: Database, *, tenant_id: int) -> list[OverrideRow]:
    """Return the tenant's own figures."""
    async with database.transaction(tenant_id) as connection:
        return await store.list_overrides(connection)


async def add_override(
    database: Database, *, tenant_id: int, override: Override, at: datetime
) -> OverrideRow:
    """State an own figure; what lies in its validity is computed again.

    Raises
    ------
    FactorRefused
        If carrier, parameter, unit, basis, value or validity cannot be right.
    """
    if override.valid_to is not None and override.valid_to <= override.valid_from:
        raise FactorRefused(
            "valid_to is not after valid_from: give a later day",
            "valid_to 不晚于 valid_from：请给更晚的日期",
            pointer="valid_to",
        )
    async with database.transaction(tenant_id) as connection:
        await store.lock(connection)
        rows = await store.list_overrides(connection)
        try:
            FactorBook(overrides=[*map(_override, rows), override])
        except (CarrierNotFound, OverrideRefused, ValidityOverlap) as error:
            raise _refused(error, override) from error
        row = await store.add_override(
            connection,
            tenant_id=tenant_id,
            carrier=override.carrier,
            parameter=override.parameter,
            basis=override.basis,
            value=override.value,
            unit=override.unit,
            valid_from=override.valid_from,
            valid_to=override.valid_to,
            source=override.source,
            actor=override.stated_by,
        )
        await accounts.record_change(
            connection,
            tenant_id=tenant_id,
            actor=override.stated_by,
            action="factor.override",
            object_kind="factor",
            object_code=f"{override.carrier}.{override.parameter}",
            after={
                name: value.isoformat() if isinstance(value, date | datetime) else value
                for name, value in {**asdict(override), "stated_at": at}.items()
            },
        )
        await _recompute(connection, start=override.valid_from, end=override.valid_to)
    return row


def _override(row: OverrideRow) -> Override:
    return Override(
        carrier=row.carrier,
        parameter=row.parameter,
        value=row.value,
        unit=row.unit,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        source=row.source,
        stated_by=row.created_by,
        basis=row.basis,
    )


def _refused(error: NengtanError, override: Override) -> FactorRefused:
    pointer = "carrier" if isinstance(error, CarrierNotFound) else "value"
    if isinstance(error, ValidityOverlap):
        pointer = "valid_from"
    return FactorRefused(
        str(error),
        f"自有因子 {override.carrier}.{override.parameter} 不可用：请核对品种、参数、单位、基准、"
        f"数值与有效期（{error}）",
        pointer=pointer,
    )


async def _recompute(connection: Connection, *, start: date | None, end: date | None) -> None:
    """Mark what was read in these days, in whatever zone the site counts them."""
    for span in await store.reading_spans(connection):
        first, last = span.first_ts, span.last_ts + _MICROSECOND
        if start is not None:
            first = max(first, _midnight(start, first) - _DAY)
        if end is not None:
            last = min(last, _midnight(end, last) + _DAY)
        if first < last:
            await ledger.mark_site_dirty(connection, site_id=span.site_id, start=first, end=last)


def _midnight(day: date, like: datetime) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=like.tzinfo)
