"""The lives of points: what each held when, with the dated facts that were entered beside a file.

A description says what holds at the beginning of a point and what changed since (`life`). Facts
that people enter one by one are rows of the same form: `with_facts` puts them into the description,
so that everything else knows one form, and the order in which they were entered does not matter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.plant.metering import Calibration, Change, Digits, Meter, Point
from services.plant.model import Plant

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Fact:
    """A dated fact entered beside the description: of a point, or of a meter."""

    code: str
    row: Change | Calibration


@dataclass(frozen=True, slots=True)
class Held:
    """What holds of a point from an instant on, and what its register showed then.

    Attributes
    ----------
    at : datetime or None
        None: before the first change.
    last_raw, first_raw : float or None
        Just before the change and just after it.
    goes_on : bool
        Whether the same register counts on.
    ends : bool
        Whether the point is none any more.
    """

    at: datetime | None
    multiplier: float
    digits: Digits | None
    rate_max_per_hour: float | None
    last_raw: float | None = None
    first_raw: float | None = None
    goes_on: bool = True
    ends: bool = False

    @property
    def state(self) -> tuple[float, Digits | None, float | None, bool]:
        """Return what lasts until the next change."""
        return self.multiplier, self.digits, self.rate_max_per_hour, self.ends


def held(point: Point) -> list[Held]:
    """Return what holds of a point, change by change; the first is before all changes."""
    now = Held(None, point.multiplier, point.digits, point.rate_max_per_hour)
    rows = [now]
    for change in sorted(point.life, key=lambda row: row.valid_from):
        other = change.first_reading is not None
        now = Held(
            at=change.valid_from,
            multiplier=now.multiplier if change.multiplier is None else change.multiplier,
            digits=now.digits if change.digits is None else change.digits,
            rate_max_per_hour=(
                now.rate_max_per_hour
                if change.rate_max_per_hour is None
                else change.rate_max_per_hour
            ),
            last_raw=change.last_reading,
            first_raw=change.first_reading if other else change.last_reading,
            goes_on=not other and not change.retired,
            ends=change.retired,
        )
        rows.append(now)
    if point.valid_to is not None and not now.ends:
        rows = [row for row in rows if row.at is None or row.at < point.valid_to]
        last = rows[-1]
        rows.append(
            Held(
                point.valid_to,
                last.multiplier,
                last.digits,
                last.rate_max_per_hour,
                goes_on=False,
                ends=True,
            )
        )
    return rows


def held_at(point: Point, at: datetime) -> Held:
    """Return what holds of a point at an instant."""
    return [row for row in held(point) if row.at is None or row.at <= at][-1]


def ends_at(point: Point) -> datetime | None:
    """Return when a point is none any more: the end of its validity, or its retirement."""
    return next((row.at for row in held(point) if row.ends), None)


def due_on(meter: Meter) -> Calibration | None:
    """Return the newest calibration of a meter that is written down, if there is one."""
    return max(meter.calibrations, key=lambda row: (row.calibrated_on, row.due), default=None)


def with_facts(plant: Plant, facts: Sequence[Fact]) -> Plant:
    """Return the description with facts about its points and meters among its own rows.

    A fact that stands there already, word for word, adds nothing; facts about what the description
    does not have are left out.
    """
    if not facts:
        return plant
    changes: dict[str, list[Change]] = {}
    calibrations: dict[str, list[Calibration]] = {}
    for fact in facts:
        if isinstance(fact.row, Change):
            changes.setdefault(fact.code, []).append(fact.row)
        else:
            calibrations.setdefault(fact.code, []).append(fact.row)
    return plant.model_copy(
        update={
            "meters": tuple(
                _meter_with(meter, changes, calibrations.get(meter.code, []))
                for meter in plant.meters
            )
        }
    )


def _meter_with(
    meter: Meter, changes: dict[str, list[Change]], calibrations: Sequence[Calibration]
) -> Meter:
    written = {*meter.calibrations, *calibrations}
    return meter.model_copy(
        update={
            "points": tuple(
                point.model_copy(update={"life": _life_with(point, changes[point.code])})
                if point.code in changes
                else point
                for point in meter.points
            ),
            "calibrations": tuple(
                sorted(written, key=lambda row: (row.calibrated_on, row.due, row.certificate))
            ),
        }
    )


def _life_with(point: Point, changes: Sequence[Change]) -> tuple[Change, ...]:
    said = {_said(row) for row in point.life}
    added = [row for row in changes if _said(row) not in said]
    return tuple(sorted([*point.life, *added], key=lambda row: row.valid_from))


def _said(row: Change) -> Change:
    """Return a change without its reason, which changes nothing."""
    return row.model_copy(update={"reason": None})


def touched(old: Point, new: Point) -> list[tuple[datetime, datetime]]:
    """Return which instants differ between two lives of a point: (first, last), both inclusive.

    `first` is when something changed in one of them and not in the other; what a register is
    booked by differs from there to `last`, and beside `first` as far as the rules look.
    """
    before = {row.at: row for row in held(old) if row.at is not None}
    after = {row.at: row for row in held(new) if row.at is not None}
    edges = sorted({*before, *after})
    spans = []
    for index, at in enumerate(edges):
        if before.get(at) == after.get(at):
            continue
        last = at
        for edge, following in zip(edges[index:], [*edges[index + 1 :], None], strict=True):
            if held_at(old, edge).state == held_at(new, edge).state:
                break
            last = _LAST if following is None else following - _MICROSECOND
        spans.append((at, last))
    return spans


_LAST = datetime.fromisoformat("2200-01-01T00:00:00+00:00")
