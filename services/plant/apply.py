"""A checked description becomes the site's newest version in the database, whole or not at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec

from compute.errors import NengtanError
from compute.settle import SeriesKey, series_keys
from services.plant.check_points import point_findings
from services.plant.compile import carrier_unit, compile_topology, gateway_rows, point_rows
from services.plant.facts import (
    check_readings,
    forgotten,
    load_facts,
    mark_touched,
    points_by_code,
)
from services.plant.findings import PlantInvalid
from services.plant.life import Fact, with_facts
from services.plant.model import Plant
from services.plant.state_tariff import state_described
from services.refusal import Refusal
from services.store import ledger, topology
from services.store.pool import Connection

_MICROSECONDS_PER_MINUTE = 60_000_000


class WrongTenant(NengtanError):
    """A description names another tenant, or another kind of tenant, than the one it is for."""


class ClockworkFixed(Refusal):
    """A description changes how a site counts time, after readings have come."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying a description did. `changed` is False where it stood already."""

    site_id: int
    version: int
    changed: bool


async def apply_plant(
    connection: Connection, plant: Plant, *, tenant_id: int, actor: str
) -> Applied:
    """Make a description the newest version of its site, and compute its span of time again.

    Parameters
    ----------
    connection : Connection
        In a transaction of the tenant.
    plant : Plant
        Checked: `read_plant` found no error.
    tenant_id : int
        From the credential of whoever applies it; the description must name the same tenant.
    actor : str
        For the change record.

    Raises
    ------
    WrongTenant
        If the description is of another tenant.
    ClockworkFixed
        If it changes base interval, zone or day start of a site that has readings.
    TopicTaken
        If another gateway sends on a topic of it.
    """
    tenant = await topology.find_tenant(connection, plant.tenant)
    if tenant.id != tenant_id:
        raise WrongTenant(f"the description is of tenant {plant.tenant!r}, which is not yours")
    if tenant.kind != plant.kind:
        raise WrongTenant(f"tenant {tenant.code!r} is a {tenant.kind}, not a {plant.kind}")
    site = await _put_site(connection, plant, tenant_id=tenant_id)
    document = plant.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    digest = sha256(msgspec.json.encode(document, order="sorted")).digest()
    newest = await topology.newest_version(connection, site.id)
    if newest is not None and newest[1] == digest:
        return Applied(site.id, newest[0].version, changed=False)
    version = 1 if newest is None else newest[0].version + 1
    await topology.add_version(
        connection,
        site=site,
        version=version,
        valid_from=plant.valid_from,
        document=document,
        sha256=digest,
        actor=actor,
    )
    facts = await load_facts(connection, site.id)
    told = with_facts(plant, facts)
    _check_facts(plant, told, facts)
    await _put_rows(connection, told, site)
    await state_described(
        connection, plant, site, before=None if newest is None else newest[0], actor=actor
    )
    before = None if newest is None else _read(newest[0].document)
    await _mark(connection, site, before, told, facts)
    await topology.add_change(
        connection,
        tenant_id=tenant_id,
        actor=actor,
        action="plant.apply",
        object_kind="site",
        object_code=plant.site,
        before=None if newest is None else {"version": newest[0].version},
        after={"version": version, "sha256": digest.hex()},
    )
    return Applied(site.id, version, changed=True)


def _check_facts(plant: Plant, told: Plant, facts: Sequence[Fact]) -> None:
    """Refuse a description that contradicts the facts entered beside it."""
    found = forgotten(plant, facts)
    found += [item for item in point_findings(told) if item.severity == "error"]
    if found:
        raise PlantInvalid(found)


def _read(document: dict[str, Any]) -> Plant:
    return Plant.model_validate_json(msgspec.json.encode(document))


async def _mark(
    connection: Connection,
    site: topology.Site,
    before: Plant | None,
    told: Plant,
    facts: Sequence[Fact],
) -> None:
    """Have computed again what the description changes: where only lives do, what these touch.

    Prices touch nothing: what energy costs is computed when it is asked for.
    """
    ids = await topology.point_ids(connection, site.id)
    old = {} if before is None else points_by_code(with_facts(before, facts))
    for code, point in points_by_code(told).items():
        await check_readings(connection, point_id=ids[code], old=old.get(code), new=point)
    if before is not None and _settled_by(before) == _settled_by(told):
        for code, point in points_by_code(told).items():
            await mark_touched(
                connection,
                site_id=site.id,
                point_id=ids[code],
                old=old[code],
                new=point,
                start=told.valid_from,
                until=None,
            )
        return
    span = await topology.reading_span(connection, site.id)
    if span is not None and span[1] >= told.valid_from:
        end = span[1] + timedelta(microseconds=1)
        await ledger.mark_site_dirty(connection, site_id=site.id, start=told.valid_from, end=end)


def _settled_by(plant: Plant) -> Plant:
    """Return what amounts and figures follow from, but for the lives of points."""
    meters = tuple(
        meter.model_copy(
            update={
                "calibrations": (),
                "points": tuple(point.model_copy(update={"life": ()}) for point in meter.points),
            }
        )
        for meter in plant.meters
    )
    return plant.model_copy(update={"meters": meters, "tariffs": ()})


async def _put_site(connection: Connection, plant: Plant, *, tenant_id: int) -> topology.Site:
    hours, minutes = plant.day_start.split(":")
    wanted = topology.Site(
        id=0,
        tenant_id=tenant_id,
        code=plant.site,
        time_zone=plant.time_zone,
        base_interval_us=plant.base_interval_minutes * _MICROSECONDS_PER_MINUTE,
        day_start_us=(int(hours) * 60 + int(minutes)) * _MICROSECONDS_PER_MINUTE,
    )
    known = await topology.find_site(connection, tenant_id=tenant_id, code=plant.site)
    if known is not None and replace(known, id=0) != wanted:
        await _check_unread(connection, known, plant)
    await topology.put_site(connection, wanted)
    site = await topology.find_site(connection, tenant_id=tenant_id, code=plant.site)
    if site is None:
        raise AssertionError("the site was just put")
    return site


async def _check_unread(connection: Connection, site: topology.Site, plant: Plant) -> None:
    """Refuse to count time in another way where results stand that were counted in this one."""
    if await topology.reading_span(connection, site.id) is None:
        return
    hours, minutes = divmod(site.day_start_us // _MICROSECONDS_PER_MINUTE, 60)
    base = site.base_interval_us // _MICROSECONDS_PER_MINUTE
    was = f"{base} min, {site.time_zone}, {hours:02}:{minutes:02}"
    raise ClockworkFixed(
        f"site {plant.site!r} has readings and counts in {was} (base interval, zone, day start): "
        "keep these, or describe another site",
        f"厂区 {plant.site!r} 已有读数，按 {was}（基本周期、时区、日切时刻）统计："
        "请保持不变，或另建厂区",
        pointer="time_zone",
    )


async def _put_rows(connection: Connection, plant: Plant, site: topology.Site) -> None:
    points = point_rows(plant)
    arrays = compile_topology(plant)
    unit_of = {row.code: row.amount_unit for row in points}
    product_unit = {product.code: product.unit for product in plant.products}
    virtual_unit = {meter.code: meter.unit for meter in plant.virtual_meters}
    flow_carrier = {flow.code: flow.carrier for flow in plant.flows}
    roots = {node.code for node in plant.nodes if node.parent is None}
    await topology.put_parts(
        connection,
        site=site,
        gateways=[
            {
                "code": row.code,
                "form": row.form,
                "class": row.delivery_class,
                "topic": row.topic,
                "username": row.username,
                "signed": row.signed,
            }
            for row in gateway_rows(plant)
        ],
        points=[
            {
                "code": row.code,
                "gateway_code": row.gateway_code,
                "address": row.address,
                "meter_code": row.meter_code,
                "kind": row.kind,
                "unit": row.unit,
                "value_min": row.value_min,
                "value_max": row.value_max,
                "valid_from": (row.valid_from or plant.valid_from).isoformat(),
                "valid_to": _iso(row.valid_to),
            }
            for row in points
        ],
        series=[
            {
                "kind": key.kind,
                "code": key.code,
                "carrier": key.carrier,
                "unit": _series_unit(
                    key,
                    {"point": unit_of, "product": product_unit, "virtual": virtual_unit},
                    flow_carrier,
                ),
                "is_root": key.kind == "node" and key.code in roots,
            }
            for key in series_keys(arrays)
        ],
    )
    await topology.put_park(
        connection,
        tenant_id=site.tenant_id,
        members=[
            {
                "member_code": member.tenant,
                "valid_from": member.valid_from.isoformat(),
                "valid_to": _iso(member.valid_to),
            }
            for member in plant.members
        ],
        park_code=plant.park,
        valid_from=plant.valid_from,
    )


def _series_unit(
    key: SeriesKey,
    unit_of: Mapping[str, Mapping[str, str]],
    carrier_of_flow: Mapping[str, str],
) -> str:
    """Return the unit of a series' amount; empty where it has none.

    `unit_of` has the units, by code, of the kinds that have one of their own.
    """
    if key.kind in unit_of:
        return unit_of[key.kind][key.code]
    carrier = carrier_of_flow[key.code] if key.kind == "flow" else key.carrier
    return carrier_unit(carrier) if carrier else ""


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
