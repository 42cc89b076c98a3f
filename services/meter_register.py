"""The register of meters (计量器具台账), and how many of the places that need one have one.

Rate of provision: fitted over needed (GB 17167-2006, 3.2, 4.3.1). A place that needs a meter is a
flow: where it crosses the edge of the site, of a secondary unit or of main equipment. It has one
where a point that is in use measures it. A flow counts once at each level that it crosses.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from services import totals
from services.plant.facts import load_facts, points_by_code
from services.plant.life import due_on, ends_at, held_at, with_facts
from services.plant.metering import Meter, Point
from services.plant.model import Flow, Plant
from services.plant_history import plants_over
from services.reference import load_tables
from services.reference.metering_rates import (
    METERING_LEVELS,
    MeteringLevel,
    MeteringRate,
    metering_rates,
)
from services.refusal import NotFound
from services.store.pool import Connection, Database
from services.totals import SiteState

_OUTSIDE = ("source", "delivery")


@dataclass(frozen=True, slots=True)
class RegisteredPoint:
    """What holds of a point on the day, and since when."""

    code: str
    kind: str
    unit: str
    multiplier: float
    integer_digits: int | None
    decimal_digits: int | None
    since: datetime
    ended_at: datetime | None
    change_count: int


@dataclass(frozen=True, slots=True)
class RegisteredMeter:
    """A meter with its newest calibration; `overdue` is None where no due day is known."""

    code: str
    name_zh: str
    name_en: str
    gateway: str
    node: str | None
    model: str | None
    serial_number: str | None
    accuracy_class: str | None
    certificate: str | None
    calibrated_on: date | None
    calibration_due: date | None
    overdue: bool | None
    in_use: bool
    points: tuple[RegisteredPoint, ...]


@dataclass(frozen=True, slots=True)
class Provision:
    """How many places of a level and a kind of energy have a meter.

    Attributes
    ----------
    share : float
        fitted / needed, 0..1.
    required_share, meets
        None where the standard asks for none.
    lacking : tuple of str
        Flows without a meter.
    """

    level: MeteringLevel
    energy: str
    energy_zh: str
    energy_en: str
    needed_count: int
    fitted_count: int
    share: float
    required_share: float | None
    meets: bool | None
    confidence: str | None
    source: str | None
    lacking: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RegisterAnswer:
    """The register of a site on a day of its own zone."""

    state: SiteState
    day: date
    meters: list[RegisteredMeter]


@dataclass(frozen=True, slots=True)
class ProvisionAnswer:
    """The rates of provision of a site; levels without a node named for them are left out."""

    state: SiteState
    rows: list[Provision]
    levels_undeclared: tuple[MeteringLevel, ...]


async def read_register(
    database: Database, *, tenant_id: int, site: str, at: datetime | None
) -> RegisterAnswer:
    """Return every meter as it is at an instant; now, if none is named.

    Raises
    ------
    NotFound
        If the tenant has no such site, or it was not described then.
    """
    async with database.transaction(tenant_id, snapshot=True) as connection:
        state = await totals.load_state(connection, site)
        instant = at or state.as_of
        plant = await _plant_at(connection, state, instant)
    day = instant.astimezone(ZoneInfo(state.site.time_zone)).date()
    return RegisterAnswer(state, day, [_meter(m, plant, instant, day) for m in plant.meters])


async def read_provision(
    database: Database, *, tenant_id: int, site: str, at: datetime | None
) -> ProvisionAnswer:
    """Return the rate of provision by level and kind of energy at an instant; now if none is named.

    Raises
    ------
    NotFound
        If the tenant has no such site, or it was not described then.
    """
    async with database.transaction(tenant_id, snapshot=True) as connection:
        state = await totals.load_state(connection, site)
        instant = at or state.as_of
        plant = await _plant_at(connection, state, instant)
    named = {node.metering_level for node in plant.nodes}
    undeclared = tuple(level for level in METERING_LEVELS[1:] if level not in named)
    return ProvisionAnswer(state, provision(plant, at=instant), undeclared)


async def _plant_at(connection: Connection, state: SiteState, at: datetime) -> Plant:
    end = datetime.max.replace(tzinfo=at.tzinfo)
    spans = await plants_over(connection, state.site.id, start=at, end=end)
    if not spans or spans[0].start > at:
        raise NotFound("description")
    return with_facts(spans[0].plant, await load_facts(connection, state.site.id))


def _meter(meter: Meter, plant: Plant, at: datetime, day: date) -> RegisteredMeter:
    calibrations = tuple(row for row in meter.calibrations if row.calibrated_on <= day)
    newest = due_on(meter.model_copy(update={"calibrations": calibrations}))
    due = meter.calibration_due if newest is None else newest.due
    classes = [row.accuracy_class for row in calibrations if row.accuracy_class is not None]
    points = tuple(_point(point, plant, at) for point in meter.points)
    return RegisteredMeter(
        code=meter.code,
        name_zh=meter.name.zh,
        name_en=meter.name.en,
        gateway=meter.gateway,
        node=meter.node,
        model=meter.model,
        serial_number=_serial_number(meter, at),
        accuracy_class=classes[-1] if classes else meter.accuracy_class,
        certificate=None if newest is None else newest.certificate,
        calibrated_on=None if newest is None else newest.calibrated_on,
        calibration_due=due,
        # The due day itself is the last good one.
        overdue=None if due is None else due < day,
        in_use=any(_is_used(point, at) for point in meter.points),
        points=points,
    )


def _serial_number(meter: Meter, at: datetime) -> str | None:
    changes = [
        (change.valid_from, change.serial_number)
        for point in meter.points
        for change in point.life
        if change.serial_number is not None and change.valid_from <= at
    ]
    return max(changes)[1] if changes else meter.serial_number


def _point(point: Point, plant: Plant, at: datetime) -> RegisteredPoint:
    now = held_at(point, at)
    return RegisteredPoint(
        code=point.code,
        kind=point.kind,
        unit=point.unit,
        multiplier=now.multiplier,
        integer_digits=None if now.digits is None else now.digits.integer,
        decimal_digits=None if now.digits is None else now.digits.decimal,
        since=now.at or point.valid_from or plant.valid_from,
        ended_at=ends_at(point),
        change_count=len(point.life),
    )


def _is_used(point: Point, at: datetime) -> bool:
    ended = ends_at(point)
    begun = point.valid_from is None or point.valid_from <= at
    return begun and (ended is None or at < ended)


def provision(plant: Plant, *, at: datetime) -> list[Provision]:
    """Return the rate of provision by level and kind of energy.

    Parameters
    ----------
    plant : Plant
    at : datetime
        Points in use then count as fitted.

    Notes
    -----
    Standard: GB 17167-2006, 3.2 and 4.3.1: R = fitted / needed; required rates: 4.3.2, table 3.
    """
    used = {code for code, point in points_by_code(plant).items() if _is_used(point, at)}
    rate_of = {code: rate for rate in metering_rates() for code in rate.carriers}
    needed: dict[tuple[MeteringLevel, str], list[Flow]] = {}
    for level, flow in _crossings(plant):
        rate = rate_of.get(flow.carrier)
        needed.setdefault((level, flow.carrier if rate is None else rate.code), []).append(flow)
    order = [*(rate.code for rate in metering_rates()), *load_tables().carriers]
    rates = {rate.code: rate for rate in metering_rates()}
    rows = sorted(needed, key=lambda key: (METERING_LEVELS.index(key[0]), order.index(key[1])))
    return [_provision(level, kind, rates, needed[level, kind], used) for level, kind in rows]


def _provision(
    level: MeteringLevel,
    kind: str,
    rates: Mapping[str, MeteringRate],
    flows: Sequence[Flow],
    used: set[str],
) -> Provision:
    rate = rates.get(kind)
    lacking = tuple(
        flow.code for flow in flows if not any(part.point in used for part in flow.metered_by)
    )
    fitted = len(flows) - len(lacking)
    share = fitted / len(flows)
    required = None if rate is None else rate.required_share[level]
    named = load_tables().carriers[kind] if rate is None else rate
    return Provision(
        level=level,
        energy=kind,
        energy_zh=named.name_zh,
        energy_en=named.name_en,
        needed_count=len(flows),
        fitted_count=fitted,
        share=share,
        required_share=required,
        meets=None if required is None else share >= required,
        confidence=None if rate is None else rate.confidence,
        source=None if rate is None else f"{rate.source}, {rate.clause}",
        lacking=lacking,
    )


def _crossings(plant: Plant) -> Iterator[tuple[MeteringLevel, Flow]]:
    """Yield each flow with every level whose edge it crosses, once."""
    kind = {node.code: node.kind for node in plant.nodes}
    holders = {level: _holders(plant, level) for level in METERING_LEVELS[1:]}
    for flow in plant.flows:
        ends = (flow.from_node, flow.to_node)
        if len([end for end in ends if kind[end] in _OUTSIDE]) == 1:
            yield "unit", flow
        for level, holder in holders.items():
            inside = [holder.get(end) for end in ends]
            # Of equipment, what goes in is measured; of a unit, what comes out as well.
            enters = inside[1] is not None and inside[1] != inside[0]
            leaves = inside[0] is not None and inside[0] != inside[1]
            if enters or (leaves and level == "secondary"):
                yield level, flow


def _holders(plant: Plant, level: MeteringLevel) -> dict[str, str]:
    """Return, for the nodes that lie in one of a level, the nearest of these."""
    nodes = {node.code: node for node in plant.nodes}
    found: dict[str, str] = {}
    for code, node in nodes.items():
        at: str | None = code
        while at is not None and nodes[at].metering_level != level:
            at = nodes[at].parent
        if at is not None and node.kind not in _OUTSIDE:
            found[code] = at
    return found
