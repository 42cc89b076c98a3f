"""Facts of points and meters beside a description: read, held against readings, and their reach."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from services.plant.check_life import falls, fits
from services.plant.findings import Finding, finding
from services.plant.life import Fact, Held, held, held_at, touched, with_facts
from services.plant.metering import Calibration, Change, Point
from services.plant.model import Plant
from services.refusal import Refusal
from services.store import ledger, meter_facts
from services.store.meter_facts import FactRow
from services.store.pool import Connection

_MICROSECOND = timedelta(microseconds=1)
_FAR_FUTURE = datetime(2200, 1, 1, tzinfo=UTC)


class LifeRefused(Refusal):
    """A fact in the life of a point or meter that contradicts another, or a reading."""

    code = "meter_life_invalid"


async def load_facts(connection: Connection, site_id: int) -> list[Fact]:
    """Return the facts of a site that stand."""
    return [fact_of(row) for row in await meter_facts.list_facts(connection, site_id)]


def fact_of(row: FactRow) -> Fact:
    """Return a stored fact."""
    form = Change if row.kind == "change" else Calibration
    return Fact(row.code, form.model_validate_json(msgspec.json.encode(row.fact)))


def points_by_code(plant: Plant) -> dict[str, Point]:
    """Return the points of a description."""
    return {point.code: point for meter in plant.meters for point in meter.points}


def forgotten(plant: Plant, facts: Sequence[Fact]) -> list[Finding]:
    """Return where a description says another thing at its start than facts have said before.

    What holds at the start of a description stands in it. Where that is not what the facts came to,
    one of them is wrong, or a change is not written down.
    """
    told = points_by_code(with_facts(plant, facts))
    found: list[Finding] = []
    for i, meter in enumerate(plant.meters):
        for j, point in enumerate(meter.points):
            known = held_at(told[point.code], plant.valid_from)
            said = held_at(point, plant.valid_from)
            if known.at is None or known.state == said.state:
                continue
            name, value, other = _difference(said, known)
            place = ("meters", i, "points", j, name)
            since = known.at.isoformat()
            found.append(finding("life_forgotten", place, value, other=other, since=since))
    return found


def _difference(said: Held, known: Held) -> tuple[str, object, str]:
    """Return which key differs, what the description says, and what the facts say."""
    for name in ("multiplier", "digits", "rate_max_per_hour"):
        if getattr(said, name) != getattr(known, name):
            value = getattr(said, name)
            shown = f"{value.integer}.{value.decimal}" if name == "digits" and value else value
            return name, shown, _written(getattr(known, name))
    return "valid_to", None, "retired"


def _written(value: object) -> str:
    return "none" if value is None else str(value)


async def check_readings(
    connection: Connection, *, point_id: int, old: Point | None, new: Point
) -> None:
    """Refuse changes that the stored readings of a point contradict.

    Only what a change brings anew is looked at.

    Raises
    ------
    LifeRefused
        If digits cannot show a reading of their time, or a stated level lies below the reading
        before it or above the one after it.
    """
    if new.kind != "register":
        return
    rows = held(new)
    before = [] if old is None else held(old)
    for index, row in enumerate(rows):
        if row in before or row.at is None:
            continue
        until = rows[index + 1].at if index + 1 < len(rows) else None
        await _check_digits(connection, point_id, row, until or _FAR_FUTURE)
        await _check_levels(connection, point_id, rows[index - 1], row)


async def _check_digits(connection: Connection, point_id: int, row: Held, until: datetime) -> None:
    if row.at is None or row.digits is None or row.ends:
        return
    largest = await meter_facts.largest_reading(
        connection, point_id=point_id, start=row.at, end=until
    )
    if largest is not None and not fits(max(largest.value, 0.0), row):
        shown, at = largest.value, largest.ts.isoformat()
        raise LifeRefused(
            f"{row.digits.integer} integer digits cannot show {shown!r}, which was read at {at}: "
            "correct the digits or the instant",
            f"{row.digits.integer} 位整数无法显示 {at} 的读数 {shown!r}：请改正位数或时刻",
            pointer="digits",
        )


async def _check_levels(connection: Connection, point_id: int, old: Held, row: Held) -> None:
    if row.at is None or (row.last_raw is None and row.first_raw is None):
        return
    earlier = await meter_facts.reading_before(connection, point_id=point_id, at=row.at)
    # One from before the previous change may be another register's.
    own = earlier is not None and (old.at is None or earlier.ts >= old.at)
    if own and earlier and row.last_raw is not None and falls(earlier.value, row.last_raw, old):
        raise LifeRefused(
            f"last_reading {row.last_raw!r} is lower than {earlier.value!r}, which was read at "
            f"{earlier.ts.isoformat()}: correct the reading (before the multiplier) or the instant",
            f"止码 {row.last_raw!r} 低于 {earlier.ts.isoformat()} 的读数 {earlier.value!r}："
            "请改正止码（未乘倍率）或时刻",
            pointer="last_reading",
        )
    later = await meter_facts.reading_from(connection, point_id=point_id, at=row.at)
    if later is not None and row.first_raw is not None and falls(row.first_raw, later.value, row):
        name = "last_reading" if row.goes_on else "first_reading"
        raise LifeRefused(
            f"{name} {row.first_raw!r} is higher than {later.value!r}, which was read at "
            f"{later.ts.isoformat()}: correct the reading (before the multiplier) or the instant",
            f"表码 {row.first_raw!r} 高于 {later.ts.isoformat()} 的读数 {later.value!r}："
            "请改正表码（未乘倍率）或时刻",
            pointer=name,
        )


async def mark_touched(
    connection: Connection,
    *,
    site_id: int,
    point_id: int,
    old: Point,
    new: Point,
    start: datetime,
    until: datetime | None,
) -> None:
    """Have exactly those intervals computed again that two lives of a point tell apart.

    Parameters
    ----------
    start, until : datetime, datetime or None
        From when on the description holds, and when another takes over, if one does.
    """
    end = (until or _FAR_FUTURE) - _MICROSECOND
    spans = [
        (first, max(first, min(last, end)))
        for first, last in touched(old, new)
        if start <= first <= end
    ]
    if not spans:
        return
    await ledger.mark_facts_dirty(connection, site_id=site_id, point_id=point_id, spans=spans)
    # A point that counts no more makes its flow an unmetered one, at every instant of the site.
    ends = [first for first, _ in spans if held_at(old, first).ends != held_at(new, first).ends]
    if ends:
        await ledger.mark_site_dirty(
            connection, site_id=site_id, start=min(ends), end=until or _FAR_FUTURE
        )
