"""What gateways, meters and points say of each other, and whether units fit what is measured."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime

from compute.errors import NengtanError
from compute.units import UNITS, unit
from services.plant.amounts import amount_scale, carrier_unit, carriers, is_rate, is_unit
from services.plant.check_life import calibration_findings, life_findings
from services.plant.compile import gateway_username, points_of
from services.plant.findings import Finding, Nearest, Place, finding
from services.plant.gateway import Gateway
from services.plant.life import due_on, ends_at
from services.plant.metering import Meter, Point
from services.plant.model import Plant
from services.plant.spans import overlaps

_TOPIC_CHARACTERS_REFUSED = ("+", "#", "$")
# `nengtan/v1/{tenant}/{site}/value/…` carries values out, at the level of the gateways.
_GATEWAY_CODES_RESERVED = {"value"}
_ONLY_OF_KIND = {
    "quantity": "gauge",
    "digits": "register",
    "rate_max_per_hour": "register",
    "period_minutes": "interval",
    "stamp": "interval",
}
_NEEDED_OF_KIND = {"interval": ("period_minutes", "stamp")}


def point_findings(plant: Plant) -> Iterator[Finding]:
    """Yield the findings about gateways, meters, points and units."""
    yield from _gateway_findings(plant)
    yield from _address_findings(plant)
    nearest = Nearest()
    for i, meter in enumerate(plant.meters):
        yield from _calibration_findings(("meters", i), meter, plant)
        for j, point in enumerate(meter.points):
            place: Place = ("meters", i, "points", j)
            yield from _kind_findings(place, point)
            yield from _limit_findings(place, point)
            yield from life_findings(place, point)
            yield from _check_findings(place, point)
            yield from _period_findings(place, point, plant.base_interval_minutes)
            yield from _unit_findings(place, point, nearest)
    yield from _measured_findings(plant, nearest)
    yield from _use_findings(plant)


def _calibration_findings(place: Place, meter: Meter, plant: Plant) -> Iterator[Finding]:
    yield from calibration_findings(place, meter)
    newest = due_on(meter)
    due = meter.calibration_due if newest is None else newest.due
    if due is not None and due < plant.valid_from.date():
        name = "calibration_due" if newest is None else "calibrations"
        yield finding("calibration_overdue", (*place, name), due.isoformat())


def _gateway_findings(plant: Plant) -> Iterator[Finding]:
    names: dict[str, str] = {}
    topics: dict[str, str] = {}
    for i, gateway in enumerate(plant.gateways):
        place: Place = ("gateways", i)
        username = gateway_username(plant, gateway)
        given = "code" if gateway.username is None else "username"
        if ":" in username:
            yield finding("username_form", (*place, given), username)
        if username in names:
            yield finding("duplicate_username", (*place, given), username, other=names[username])
        names.setdefault(username, gateway.code)
        if gateway.code in _GATEWAY_CODES_RESERVED:
            yield finding("reserved_gateway", (*place, "code"), gateway.code)
        yield from _topic_findings(place, gateway)
        if gateway.topic is not None and gateway.topic in topics:
            other = topics[gateway.topic]
            yield finding("topic_shared", (*place, "topic"), gateway.topic, other=other)
        topics.setdefault(gateway.topic or "", gateway.code)


def _topic_findings(place: Place, gateway: Gateway) -> Iterator[Finding]:
    topic = gateway.topic
    if gateway.form == "nengtan":
        if topic is not None:
            yield finding("topic_unused", (*place, "topic"), topic)
        return
    if gateway.signed:
        yield finding("signed_form", (*place, "signed"), gateway.signed)
    if gateway.delivery_class == "receipted":
        yield finding("class_form", (*place, "class"), "receipted", nearest="acknowledged")
    if topic is None:
        yield finding("topic_missing", (*place, "topic"))
        return
    levels = topic.removeprefix("/").split("/")  # Neuron's own default begins with a slash
    refused = any(character in topic for character in _TOPIC_CHARACTERS_REFUSED)
    if refused or not topic.isprintable() or "" in levels or levels[0] == "nengtan":
        yield finding("topic_form", (*place, "topic"), topic)


def _address_findings(plant: Plant) -> Iterator[Finding]:
    """Yield spans that are empty, and addresses that two points hold at once."""
    holders: defaultdict[tuple[str, str], list[tuple[int, datetime | None, datetime | None]]] = (
        defaultdict(list)
    )
    places: list[Place] = []
    points: list[Point] = []
    for i, meter in enumerate(plant.meters):
        for j, point in enumerate(meter.points):
            place: Place = ("meters", i, "points", j)
            if point.valid_from and point.valid_to and point.valid_to <= point.valid_from:
                end, start = point.valid_to.isoformat(), point.valid_from.isoformat()
                yield finding("span_empty", (*place, "valid_to"), end, start=start)
            holder = (meter.gateway, point.address or point.code)
            holders[holder].append((len(points), point.valid_from, ends_at(point)))
            places.append(place)
            points.append(point)
    for rows in holders.values():
        for other, row in overlaps(rows):
            given = "code" if points[row].address is None else "address"
            value = points[row].address or points[row].code
            yield finding("address_shared", (*places[row], given), value, other=points[other].code)


def _kind_findings(place: Place, point: Point) -> Iterator[Finding]:
    for name, kind in _ONLY_OF_KIND.items():
        value = getattr(point, name)
        if value is not None and point.kind != kind:
            yield finding("not_of_kind", (*place, name), value, kind=point.kind)
    if point.hold_seconds is not None and point.kind == "interval":
        yield finding("not_of_kind", (*place, "hold_seconds"), point.hold_seconds, kind=point.kind)
    if point.kind == "register" and point.digits is None and point.rate_max_per_hour is None:
        yield finding("register_unbounded", (*place, "digits"), point.digits)
    for name in _NEEDED_OF_KIND.get(point.kind, ()):
        if getattr(point, name) is None:
            yield finding("needed_of_kind", (*place, name), kind=point.kind)


def _limit_findings(place: Place, point: Point) -> Iterator[Finding]:
    if point.value_max is None:
        return
    if point.value_min is not None and point.value_min >= point.value_max:
        yield finding("limits_order", (*place, "value_min"), point.value_min, limit=point.value_max)
    if point.digits is not None and point.value_max > 10.0**point.digits.integer:
        yield finding(
            "limit_modulus",
            (*place, "value_max"),
            point.value_max,
            modulus=10**point.digits.integer,
        )


def _check_findings(place: Place, point: Point) -> Iterator[Finding]:
    checks = point.checks
    place = (*place, "checks")
    if point.kind == "register":
        for name in ("step_max", "rate_max_per_hour"):
            value = getattr(checks, name)
            if value is not None:
                yield finding("not_of_kind", (*place, name), value, kind=point.kind)
    low, high = checks.range_min, checks.range_max
    if low is not None and high is not None and low >= high:
        yield finding("limits_order", (*place, "range_min"), low, limit=high)


def _period_findings(place: Place, point: Point, minutes: int) -> Iterator[Finding]:
    period = point.period_minutes
    if point.kind != "interval" or period is None or minutes % period == 0:
        return
    code = "period_base" if period % minutes else "period_long"
    yield finding(code, (*place, "period_minutes"), period, period=period, minutes=minutes)


def _unit_findings(place: Place, point: Point, nearest: Nearest) -> Iterator[Finding]:
    if not is_unit(point.unit):
        near = nearest.of(point.unit, UNITS)
        yield finding("unknown_unit", (*place, "unit"), point.unit, nearest=near)
        return
    of_point = unit(point.unit)
    if point.kind != "gauge" and is_rate(point.unit):
        yield finding("rate_refused", (*place, "unit"), point.unit, unit=of_point.symbol)
    if point.quantity is not None and of_point.dimension != "ratio":
        yield finding("quantity_unit", (*place, "quantity"), point.quantity, unit=of_point.symbol)


def _measured_findings(plant: Plant, nearest: Nearest) -> Iterator[Finding]:
    """Yield every point that cannot measure what it is named for."""
    point_by_code = {point.code: point for _, point in points_of(plant)}
    for i, flow in enumerate(plant.flows):
        if flow.carrier in carriers():
            target = carrier_unit(flow.carrier)
            for j, part in enumerate(flow.metered_by):
                place: Place = ("flows", i, "metered_by", j, "point")
                yield from _fit_findings(place, point_by_code.get(part.point), target)
    for i, product in enumerate(plant.products):
        if not is_unit(product.unit):
            near = nearest.of(product.unit, UNITS)
            yield finding("unknown_unit", ("products", i, "unit"), product.unit, nearest=near)
            continue
        for j, part in enumerate(product.metered_by):
            place = ("products", i, "metered_by", j, "point")
            yield from _fit_findings(place, point_by_code.get(part.point), product.unit)


def _fit_findings(place: Place, point: Point | None, target: str) -> Iterator[Finding]:
    if point is None or not is_unit(point.unit):
        return  # said already, where the code or the unit stands
    rate = is_rate(point.unit)
    if point.kind == "gauge" and not rate:
        yield finding("rate_needed", place, point.unit)
    elif point.kind == "gauge" or not rate:
        try:
            amount_scale(point, target=target)
        except NengtanError:
            yield finding(
                "unit_mismatch", place, point.code, point=point.code, unit=point.unit, target=target
            )


def _use_findings(plant: Plant) -> Iterator[Finding]:
    """Yield points that measure nothing, and points that ended before and still count."""
    used = {part.point for flow in plant.flows for part in flow.metered_by}
    used |= {part.point for product in plant.products for part in product.metered_by}
    for i, meter in enumerate(plant.meters):
        for j, point in enumerate(meter.points):
            place: Place = ("meters", i, "points", j)
            if point.code not in used:
                yield finding("point_unused", (*place, "code"), point.code)
            elif (ended := ends_at(point)) is not None and ended <= plant.valid_from:
                yield finding("point_ended", (*place, "valid_to"), ended.isoformat())
