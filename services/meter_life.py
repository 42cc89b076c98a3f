"""The lives of meters as dated facts: entered, withdrawn, listed.

A fact entered today about last month is held against the descriptions, the other facts and the
readings of its time; then exactly the intervals that it touches are computed again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any, TypeVar

import msgspec
from pydantic import ValidationError

from services import totals
from services.plant.check_points import point_findings
from services.plant.facts import (
    LifeRefused,
    check_readings,
    fact_of,
    forgotten,
    mark_touched,
    points_by_code,
)
from services.plant.findings import Finding
from services.plant.life import Fact, ends_at, with_facts
from services.plant.metering import Calibration, Change
from services.plant.model import Plant
from services.refusal import NotFound
from services.store import accounts, answers, meter_facts, topology
from services.store.meter_facts import FactRow
from services.store.pool import Connection, Database
from services.totals import SiteState

Row = TypeVar("Row", Change, Calibration)


@dataclass(frozen=True, slots=True)
class FactsAnswer:
    """The facts of a site as they were entered."""

    state: SiteState
    rows: list[FactRow]


@dataclass(frozen=True, slots=True)
class _Version:
    """A description in force from `plant.valid_from` until another takes over."""

    plant: Plant
    until: datetime | None


async def list_facts(database: Database, *, tenant_id: int, site: str) -> FactsAnswer:
    """Return every fact of a site in order of time, the withdrawn ones too.

    Raises
    ------
    NotFound
        If the tenant has no such site.
    """
    async with database.transaction(tenant_id, snapshot=True) as connection:
        state = await totals.load_state(connection, site)
        rows = await meter_facts.list_facts(connection, state.site.id, only_standing=False)
    return FactsAnswer(state, rows)


async def add_change(
    database: Database,
    *,
    tenant_id: int,
    actor: str,
    site: str,
    point: str,
    change: Mapping[str, Any],
    at: datetime,
) -> FactRow:
    """Write down what changed in the life of a point, and have what it touches computed again.

    Parameters
    ----------
    change : mapping
        As a row of `life` in a description.
    at : datetime
        Now.

    Raises
    ------
    NotFound
        If there is no such site or point.
    LifeRefused
        If it contradicts a description, another fact or a reading.
    """
    row = _read(Change, change)
    if row.valid_from > at and (row.last_reading is not None or row.first_reading is not None):
        raise LifeRefused(
            f"from {row.valid_from.isoformat()} lies ahead, where nobody has read the register "
            "yet: correct the instant, or leave the readings out",
            f"{row.valid_from.isoformat()} 尚未到来，不可能有表底：请改正时刻或去掉表码",
            pointer="from",
        )
    async with database.transaction(tenant_id) as connection:
        await answers.lock_plants(connection)
        state = await totals.load_state(connection, site)
        standing = await meter_facts.list_facts(connection, state.site.id)
        versions = await _versions(connection, state.site.id, point)
        _check_start(versions, point, row)
        before = [fact_of(fact) for fact in standing]
        after = [*before, Fact(point, row)]
        await _settle(connection, state, versions, point, before, after)
        stored = await meter_facts.add_fact(
            connection,
            tenant_id=tenant_id,
            site_id=state.site.id,
            kind="change",
            code=point,
            valid_from=row.valid_from,
            fact=_plain(row),
            actor=actor,
        )
        await _record(connection, tenant_id, actor, "meter.change", stored, after=stored.fact)
    return stored


async def add_calibration(
    database: Database,
    *,
    tenant_id: int,
    actor: str,
    site: str,
    meter: str,
    calibration: Mapping[str, Any],
) -> FactRow:
    """Write down a calibration of a meter; no amount depends on it.

    Raises
    ------
    NotFound
        If there is no such site or meter.
    LifeRefused
        If its days contradict each other, or it is written down already.
    """
    row = _read(Calibration, calibration)
    if row.due < row.calibrated_on:
        raise LifeRefused(
            f"due {row.due} is before calibrated_on {row.calibrated_on}: correct one of the days",
            f"有效期 {row.due} 早于检定日期 {row.calibrated_on}：请改正日期",
            pointer="due",
        )
    async with database.transaction(tenant_id) as connection:
        await answers.lock_plants(connection)
        state = await totals.load_state(connection, site)
        versions = await _all_versions(connection, state.site.id)
        if not any(m.code == meter for version in versions for m in version.plant.meters):
            raise NotFound("meter")
        standing = await meter_facts.list_facts(connection, state.site.id)
        plant = with_facts(versions[-1].plant, [fact_of(fact) for fact in standing])
        known = next((m.calibrations for m in plant.meters if m.code == meter), ())
        if any(other.certificate == row.certificate for other in known):
            raise LifeRefused(
                f"certificate {row.certificate!r} of {meter} is written down already: withdraw "
                "that, or correct the number",
                f"{meter} 的证书 {row.certificate!r} 已登记：请先撤回，或改正编号",
                pointer="certificate",
            )
        stored = await meter_facts.add_fact(
            connection,
            tenant_id=tenant_id,
            site_id=state.site.id,
            kind="calibration",
            code=meter,
            valid_from=datetime.combine(row.calibrated_on, time(), tzinfo=UTC),
            fact=_plain(row),
            actor=actor,
        )
        await _record(connection, tenant_id, actor, "meter.calibrate", stored, after=stored.fact)
    return stored


async def withdraw(
    database: Database, *, tenant_id: int, actor: str, site: str, fact_id: int, reason: str
) -> FactRow:
    """Withdraw a fact that was wrong; it stays on record, and what it touched is computed again.

    Raises
    ------
    NotFound
        If no such fact stands.
    LifeRefused
        If what is left contradicts itself without it.
    """
    async with database.transaction(tenant_id) as connection:
        await answers.lock_plants(connection)
        state = await totals.load_state(connection, site)
        standing = await meter_facts.list_facts(connection, state.site.id)
        gone = next((fact for fact in standing if fact.id == fact_id), None)
        if gone is None:
            raise NotFound("fact")
        if gone.kind == "change":
            versions = await _versions(connection, state.site.id, gone.code)
            before = [fact_of(fact) for fact in standing]
            after = [fact_of(fact) for fact in standing if fact.id != fact_id]
            await _settle(connection, state, versions, gone.code, before, after)
        stored = await meter_facts.withdraw_fact(
            connection, site_id=state.site.id, fact_id=fact_id, actor=actor, reason=reason
        )
        if stored is None:
            raise NotFound("fact")
        await _record(
            connection,
            tenant_id,
            actor,
            "meter.withdraw",
            stored,
            before=stored.fact,
            after={"withdrawn_reason": reason},
        )
    return stored


async def _settle(
    connection: Connection,
    state: SiteState,
    versions: Sequence[_Version],
    point: str,
    before: Sequence[Fact],
    after: Sequence[Fact],
) -> None:
    """Check what the facts come to, and have computed again what they change."""
    ids = await topology.point_ids(connection, state.site.id)
    for version in versions:
        told = with_facts(version.plant, after)
        known = set(point_findings(with_facts(version.plant, before)))
        found = [*forgotten(version.plant, after), *point_findings(told)]
        _refuse([item for item in found if item not in known], point)
        old = points_by_code(with_facts(version.plant, before))[point]
        new = points_by_code(told)[point]
        await check_readings(connection, point_id=ids[point], old=old, new=new)
        await mark_touched(
            connection,
            site_id=state.site.id,
            point_id=ids[point],
            old=old,
            new=new,
            start=version.plant.valid_from,
            until=version.until,
        )
    newest = points_by_code(with_facts(versions[-1].plant, after))[point]
    if versions[-1].until is None:
        await meter_facts.end_point(
            connection, site_id=state.site.id, code=point, valid_to=ends_at(newest)
        )


def _refuse(findings: Sequence[Finding], point: str) -> None:
    for finding in findings:
        if finding.severity == "error":
            raise LifeRefused(
                f"{point}, {finding.path}: {finding.value!r}: {finding.message_en} "
                f"{finding.remedy_en}",
                f"{point}，{finding.path}：{finding.value!r}：{finding.message_zh}"
                f"{finding.remedy_zh}",
                pointer=str(finding.place[-1]),
            )


def _check_start(versions: Sequence[_Version], point: str, row: Change) -> None:
    first = versions[0].plant
    start = points_by_code(first)[point].valid_from or first.valid_from
    if row.valid_from <= start:
        raise LifeRefused(
            f"from {row.valid_from.isoformat()} is not after the start of point {point}, "
            f"{start.isoformat()}: correct the instant; what holds from the start stands in the "
            "plant description",
            f"{row.valid_from.isoformat()} 不晚于测点 {point} 的起始时刻 {start.isoformat()}："
            "请改正时刻；起始时的倍率写在厂区描述中",
            pointer="from",
        )


async def _versions(connection: Connection, site_id: int, point: str) -> list[_Version]:
    """Return the descriptions in force that have a point, oldest first.

    Raises
    ------
    NotFound
        If none has.
    """
    versions = await _all_versions(connection, site_id)
    having = [version for version in versions if point in points_by_code(version.plant)]
    if not having:
        raise NotFound("point")
    return having


async def _all_versions(connection: Connection, site_id: int) -> list[_Version]:
    applied = await topology.plant_versions(connection, site_id)
    # Of descriptions that begin at one instant, the last applied holds.
    by_start = {version.valid_from: version for version in applied}
    starts = sorted(by_start)
    return [
        _Version(
            Plant.model_validate_json(msgspec.json.encode(by_start[start].document)),
            starts[index + 1] if index + 1 < len(starts) else None,
        )
        for index, start in enumerate(starts)
    ]


def _read(form: type[Row], fields: Mapping[str, Any]) -> Row:
    """Return the fields as a row of a description.

    Raises
    ------
    LifeRefused
        With the first field that does not fit.
    """
    try:
        return form.model_validate_json(msgspec.json.encode(fields))
    except ValidationError as error:
        first = error.errors()[0]
        place = "/".join(str(step) for step in first["loc"])
        raise LifeRefused(
            f"{place}: {first['input']!r}: {first['msg']}: correct it as the plant schema says",
            f"{place}：{first['input']!r} 不合格式：请按描述格式改正（{first['msg']}）",
            pointer=place,
        ) from error


def _plain(row: Change | Calibration) -> dict[str, Any]:
    return row.model_dump(mode="json", by_alias=True, exclude_defaults=True)


async def _record(
    connection: Connection,
    tenant_id: int,
    actor: str,
    action: str,
    stored: FactRow,
    *,
    after: Mapping[str, Any],
    before: Mapping[str, Any] | None = None,
) -> None:
    await accounts.record_change(
        connection,
        tenant_id=tenant_id,
        actor=actor,
        action=action,
        object_kind="point" if stored.kind == "change" else "meter",
        object_code=stored.code,
        before=before,
        after={**after, "fact": stored.id},
    )
