"""Interval amounts of one point, slow and obvious: exact fractions and lists.

Every span between readings is looked at for every interval. The rules are written down again from
the table in compute/rules.py, not from the code.
"""

import math
import struct
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import pairwise

from compute.quality import Quality
from compute.topology import PointKind
from tests.twins.digest import digest, digest_of_sequence, float_word, mix, signed

HOUR_US = 3_600_000_000
ROUNDING = Fraction(4 * 2.220446049250313e-16)


@dataclass(frozen=True)
class Reading:
    ts_us: int
    value: float
    quality: int = 0

    @property
    def is_number(self) -> bool:
        return math.isfinite(self.value) and not self.quality & Quality.SOURCE_BAD


@dataclass(frozen=True)
class Change:
    at_us: int
    scale: float = 1.0
    modulus: float = math.nan
    step_rate_max: float = math.inf
    resolution: float = 0.0
    last_raw: float = math.nan
    first_raw: float = math.nan
    goes_on: bool = True
    ends: bool = False


@dataclass(frozen=True)
class Point:
    kind: PointKind = PointKind.REGISTER
    scale: float = 1.0
    modulus: float = math.nan
    step_rate_max: float = math.inf
    resolution: float = 0.0
    hold_us: int = HOUR_US
    period_us: int = 0
    stamped_at_end: bool = True
    life: tuple[Change, ...] = ()


@dataclass
class Span:
    """An amount that belongs to [begin, end); None covers nothing."""

    begin_us: int
    end_us: int
    total: Fraction | None
    quality: int
    scale: float = 1.0


@dataclass
class Interval:
    amount: Fraction | None
    covered_us: int
    reading_count: int
    quality: int
    input_hash: int


@dataclass
class Account:
    spans: list[Span] = field(default_factory=list)
    marks: list[tuple[int, int]] = field(default_factory=list)
    covers_from_us: float = math.inf
    closed_until_us: float = -math.inf


def jitter(a: Reading, b: Reading, point: Point) -> Fraction:
    larger = max(abs(Fraction(a.value)), abs(Fraction(b.value)))
    return Fraction(point.resolution) + ROUNDING * larger


def limit(a: Reading, b: Reading, point: Point) -> Fraction | float:
    if math.isfinite(point.step_rate_max):
        bound = Fraction(point.step_rate_max) * (b.ts_us - a.ts_us) / 1_000_000
    elif math.isfinite(point.modulus):
        bound = Fraction(point.modulus) / 2
    else:
        return math.inf
    return bound + jitter(a, b, point)


def verdict(a: Reading, b: Reading, point: Point) -> str:
    rise = Fraction(b.value) - Fraction(a.value)
    bound = limit(a, b, point)
    if rise >= -jitter(a, b, point):
        return "plain" if rise <= bound else "spike"
    if math.isfinite(point.modulus) and b.value >= 0 and a.value < point.modulus:
        wrapped = rise + Fraction(point.modulus)
        if wrapped <= bound and wrapped <= Fraction(point.modulus) / 2 + jitter(a, b, point):
            return "rollover"
    return "fall"


def looks_wrong(numbers: list[Reading], i: int, point: Point) -> bool:
    if i < 1 or i + 1 >= len(numbers):
        return False
    a, b, c = numbers[i - 1 : i + 2]
    if not (b.value > max(a.value, c.value) or b.value < min(a.value, c.value)):
        return False
    good = ("plain", "rollover")
    if verdict(a, b, point) in good and verdict(b, c, point) in good:
        return False
    return verdict(a, c, point) in good


def register_account(numbers: list[Reading], point: Point) -> Account:
    account = Account()
    wrong = [
        looks_wrong(numbers, i, point) and not reading.quality & Quality.ACCEPTED
        for i, reading in enumerate(numbers)
    ]
    outlier = [
        wrong[i] and not any(wrong[max(i - 1, 0) : i]) and not any(wrong[i + 1 : i + 2])
        for i in range(len(numbers))
    ]
    for i, reading in enumerate(numbers):
        if outlier[i]:
            high = reading.value > numbers[i - 1].value
            kind = Quality.SPIKE if high else Quality.DECREASE
            account.marks.append((reading.ts_us, kind | reading.quality))
    kept = [i for i in range(len(numbers)) if not outlier[i]]
    for left, right in pairwise(kept):
        account.spans.append(register_span(numbers, left, right, kept, point))
    return account


def shown_lately(
    numbers: list[Reading], kept: list[int], left: int, ceiling_of: Reading, point: Point
) -> int:
    """Return which of the last five readings showed the highest level up to a ceiling."""
    recent = [i for i in kept if left - 4 <= i <= left]
    for earlier, later in pairwise(tuple(recent)):
        if verdict(numbers[earlier], numbers[later], point) == "rollover":
            recent = [i for i in recent if i >= later]
    ceiling = Fraction(ceiling_of.value) + jitter(ceiling_of, ceiling_of, point)
    too_high = [i for i in recent if i != left and Fraction(numbers[i].value) > ceiling]
    shown = [i for i in recent if i == left or i > max(too_high, default=-1)]
    return max(shown, key=lambda i: (numbers[i].value, i))


def booked_below(
    numbers: list[Reading], kept: list[int], top: int, left: int, point: Point
) -> Fraction:
    """Return what the rises between two readings came to, each above the level before it."""
    booked = Fraction(0)
    for before, after in pairwise([i for i in kept if top <= i <= left]):
        a, b = numbers[before], numbers[after]
        if verdict(a, b, point) == "plain":
            best = numbers[shown_lately(numbers, kept, before, b, point)]
            rise = Fraction(b.value) - Fraction(best.value)
            if 0 < rise <= limit(best, b, point):
                booked += rise
    return booked


def register_span(
    numbers: list[Reading], left: int, right: int, kept: list[int], point: Point
) -> Span:
    a, b = numbers[left], numbers[right]
    quality = a.quality | b.quality
    gap = Quality.INTERPOLATED if b.ts_us - a.ts_us > point.hold_us else Quality.GOOD
    what = verdict(a, b, point)
    accepted = b.quality & Quality.ACCEPTED
    if what == "fall" and accepted:
        # A rise by rounding alone is none; a fall is a register that begins again from 0.
        return Span(a.ts_us, b.ts_us, max(Fraction(b.value), Fraction(0)), quality | gap)
    if what == "fall":
        return Span(a.ts_us, b.ts_us, None, quality | Quality.DECREASE)
    ceiling_of = a if what == "rollover" else b
    highest = shown_lately(numbers, kept, left, ceiling_of, point)
    top = numbers[highest]
    rise = Fraction(b.value) - Fraction(top.value)
    if what == "rollover":
        total = max(rise + Fraction(point.modulus), Fraction(0))
        return Span(a.ts_us, b.ts_us, total, quality | gap | Quality.ROLLOVER)
    if rise > limit(top, b, point) and accepted:
        return Span(a.ts_us, b.ts_us, accepted_rise(a, b), quality | gap)
    if rise > limit(top, b, point):
        return Span(a.ts_us, b.ts_us, None, quality | Quality.SPIKE)
    if Fraction(top.value) - Fraction(a.value) > jitter(a, top, point):
        gap = Quality.INTERPOLATED
    rise -= booked_below(numbers, kept, highest, left, point)
    return Span(a.ts_us, b.ts_us, max(rise, Fraction(0)), quality | gap)


def accepted_rise(a: Reading, b: Reading) -> Fraction:
    if b.value >= a.value:
        return Fraction(b.value) - Fraction(a.value)
    return max(Fraction(b.value), Fraction(0))


def gauge_account(numbers: list[Reading], point: Point) -> Account:
    account = Account()
    for a, b in pairwise(numbers):
        until_us = min(b.ts_us, a.ts_us + point.hold_us)
        total = Fraction(a.value) * (until_us - a.ts_us) / HOUR_US
        scale = in_force(point, a.ts_us)
        account.spans.append(Span(a.ts_us, until_us, total, a.quality, scale))
        account.spans.append(Span(until_us, b.ts_us, None, Quality.HELD))
    return account


def stamp(reading: Reading, point: Point, start_us: int, step_us: int) -> int:
    unit_us = min(point.period_us, step_us)
    if step_us % unit_us or point.period_us % unit_us:
        return reading.ts_us
    places = Fraction(reading.ts_us - start_us, unit_us)
    nearest = start_us + math.floor(places + Fraction(1, 2)) * unit_us
    return nearest if abs(nearest - reading.ts_us) * 10 <= unit_us else reading.ts_us


def period_account(numbers: list[Reading], point: Point, start_us: int, step_us: int) -> Account:
    account = Account()
    stamps = [stamp(reading, point, start_us, step_us) for reading in numbers]
    shape = Quality.INTERPOLATED if point.period_us > step_us else Quality.GOOD
    if stamps:
        account.covers_from_us = stamps[0] - (point.period_us if point.stamped_at_end else 0)
    for i, reading in enumerate(numbers):
        if point.stamped_at_end:
            begin_us, end_us = stamps[i] - point.period_us, stamps[i]
            if i > 0:
                begin_us = max(begin_us, stamps[i - 1])
        else:
            begin_us, end_us = stamps[i], stamps[i] + point.period_us
            if i + 1 < len(numbers):
                end_us = min(end_us, stamps[i + 1])
        quality = reading.quality | shape
        whole_us = stamps[i] - point.period_us if point.stamped_at_end else stamps[i]
        if any(whole_us < c.at_us < whole_us + point.period_us for c in point.life):
            quality |= Quality.SPLIT
        if end_us - begin_us < point.period_us:
            quality |= Quality.CONFLICT
        if begin_us < end_us:
            total = Fraction(reading.value) * (end_us - begin_us) / point.period_us
            scale = in_force(point, whole_us)
            account.spans.append(Span(begin_us, end_us, total, quality, scale))
        else:
            account.marks.append((reading.ts_us, quality))
        account.closed_until_us = end_us if point.stamped_at_end else stamps[i] + point.period_us
    return account


def shown_at(numbers: list[Reading], life: tuple[Change, ...], change: Change) -> Reading | None:
    """Return what a register that counts on showed at a change that nobody read it at."""
    at_us = change.at_us
    for reading in numbers:
        if reading.ts_us == at_us:
            return reading
    # Everything that was known of the register on either side, the nearest last and first.
    before = [(r.ts_us, 1, r) for r in numbers if r.ts_us < at_us]
    after = [(r.ts_us, 1, r) for r in numbers if r.ts_us > at_us]
    for other in life:
        if other.at_us < at_us and not (other.goes_on and math.isnan(other.first_raw)):
            before.append((other.at_us, 0, Reading(other.at_us, other.first_raw)))
        if other.at_us > at_us and not (other.goes_on and math.isnan(other.last_raw)):
            after.append((other.at_us, 0, Reading(other.at_us, other.last_raw)))
    if not before or not after:
        return None
    a = max(before, key=lambda row: row[:2])[2]
    b = min(after, key=lambda row: row[:2])[2]
    raw = a.value + (b.value - a.value) * ((at_us - a.ts_us) / (b.ts_us - a.ts_us))
    return (
        Reading(at_us, raw, a.quality | b.quality | Quality.SPLIT) if math.isfinite(raw) else None
    )


def register_stretches(numbers: list[Reading], point: Point) -> list[tuple[Point, list[Reading]]]:
    """Return the point and its readings between one change and the next."""
    stretches = []
    for i in range(len(point.life) + 1):
        opening = point.life[i - 1] if i > 0 else None
        closing = point.life[i] if i < len(point.life) else None
        begin_us = -math.inf if opening is None else opening.at_us
        end_us = math.inf if closing is None else closing.at_us
        held = [r for r in numbers if begin_us <= r.ts_us < end_us]
        if opening is not None and not (held and held[0].ts_us == begin_us):
            first = Reading(opening.at_us, opening.first_raw)
            if math.isnan(opening.first_raw):
                found = shown_at(numbers, point.life, opening) if opening.goes_on else None
                held[:0] = [] if found is None else [_far(found, numbers, point, opening)]
            else:
                held.insert(0, first)
        if closing is not None:
            same = [r for r in numbers if r.ts_us == end_us and r.value != closing.last_raw]
            doubt = Quality.CONFLICT if same and closing.goes_on else Quality.GOOD
            if not math.isnan(closing.last_raw):
                held.append(Reading(closing.at_us, closing.last_raw, int(doubt)))
            elif closing.goes_on:
                found = shown_at(numbers, point.life, closing)
                held += [] if found is None else [_far(found, numbers, point, closing)]
        of = point
        if opening is not None:
            of = replace(
                point,
                scale=opening.scale,
                modulus=opening.modulus,
                step_rate_max=opening.step_rate_max,
                resolution=opening.resolution,
            )
        stretches.append((of, held))
    return stretches


def _far(found: Reading, numbers: list[Reading], point: Point, change: Change) -> Reading:
    """Return a level between readings, marked where these are farther apart than is held."""
    if not found.quality & Quality.SPLIT:
        return found
    known = sorted(
        [
            *(r.ts_us for r in numbers),
            *(
                other.at_us
                for other in point.life
                if other is not change
                and not math.isnan(
                    other.last_raw if other.at_us > change.at_us else other.first_raw
                )
            ),
        ]
    )
    a_us = max(us for us in known if us < change.at_us)
    b_us = min(us for us in known if us > change.at_us)
    far = Quality.INTERPOLATED if b_us - a_us > point.hold_us else Quality.GOOD
    return replace(found, quality=int(found.quality | far))


def lived_account(numbers: list[Reading], point: Point, start_us: int, step_us: int) -> Account:
    """Return the account of all stretches of a life, each with the multiplier of its time."""
    whole = Account()
    if point.kind == PointKind.REGISTER:
        for of, held in register_stretches(numbers, point):
            part = register_account(held, of)
            whole.spans += [replace(span, scale=of.scale) for span in part.spans]
            whole.marks += part.marks
            if held:
                whole.covers_from_us = min(whole.covers_from_us, held[0].ts_us)
                whole.closed_until_us = max(whole.closed_until_us, held[-1].ts_us)
        return whole if numbers else Account()
    if point.kind == PointKind.GAUGE:
        return gauge_account(numbers, point)
    return period_account(numbers, point, start_us, step_us)


def in_force(point: Point, at_us: int) -> float:
    """Return the multiplier that holds at an instant."""
    return [point.scale, *(change.scale for change in point.life if change.at_us <= at_us)][-1]


def interval_amounts(
    readings: list[Reading], point: Point, *, start_us: int, step_us: int, count: int
) -> list[Interval]:
    ends = [change.at_us for change in point.life if change.ends]
    readings = [reading for reading in readings if not ends or reading.ts_us < ends[0]]
    numbers = [reading for reading in readings if reading.is_number]
    before, after = (13, 3) if point.kind == PointKind.REGISTER else (1, 1)
    account = lived_account(numbers, point, start_us, step_us)
    if point.kind == PointKind.GAUGE and numbers:
        account.covers_from_us, account.closed_until_us = numbers[0].ts_us, numbers[-1].ts_us
    return [
        one_interval(readings, point, account, (begin_us, begin_us + step_us), (before, after))
        for begin_us in range(start_us, start_us + count * step_us, step_us)
    ]


def one_interval(
    readings: list[Reading],
    point: Point,
    account: Account,
    interval_us: tuple[int, int],
    context: tuple[int, int],
) -> Interval:
    begin_us, end_us = interval_us
    amount, covered_us, quality = Fraction(0), 0, 0
    for span in account.spans:
        overlap_us = min(span.end_us, end_us) - max(span.begin_us, begin_us)
        if overlap_us <= 0:
            continue
        quality |= span.quality
        if span.total is not None:
            part = span.total * overlap_us / (span.end_us - span.begin_us)
            amount += part * Fraction(span.scale)
            covered_us += overlap_us
    for ts_us, flags in account.marks:
        if begin_us <= ts_us < end_us:
            quality |= flags
    inside = [reading for reading in readings if begin_us <= reading.ts_us < end_us]
    for reading in inside:
        if not reading.is_number:
            quality |= reading.quality
    if covered_us == 0:
        quality |= Quality.MISSING
    elif covered_us < end_us - begin_us:
        quality |= Quality.PARTIAL
    if account.closed_until_us < end_us:
        quality |= Quality.OPEN
    numbers = [reading for reading in readings if reading.is_number]
    earlier = [reading for reading in numbers if reading.ts_us < begin_us][-context[0] :]
    later = [reading for reading in numbers if reading.ts_us >= end_us][: context[1]]
    touched = account.covers_from_us < end_us and begin_us < account.closed_until_us
    if not touched and not any(reading.is_number for reading in inside):
        earlier = later = []
    state = digest_of_sequence(
        digest([reading.ts_us, float_word(reading.value), reading.quality])
        for reading in [*earlier, *inside, *later]
    )
    if touched or any(reading.is_number for reading in inside):
        for word in life_words(point, numbers, interval_us, context):
            state = mix(state, word)
    return Interval(
        amount=amount if covered_us else None,
        covered_us=covered_us,
        reading_count=len(inside),
        quality=int(quality),
        input_hash=signed(state),
    )


def life_words(
    point: Point, numbers: list[Reading], interval_us: tuple[int, int], context: tuple[int, int]
) -> list[int]:
    """Return what of a life an interval depends on: what holds at its start, and changes nearby."""
    begin_us, end_us = interval_us
    earlier = [r.ts_us for r in numbers if r.ts_us < begin_us]
    later = [r.ts_us for r in numbers if r.ts_us >= end_us]
    from_us = earlier[-context[0]] if len(earlier) >= context[0] else -math.inf
    until_us = later[context[1] - 1] if len(later) >= context[1] else math.inf
    names = ("scale", "modulus", "step_rate_max", "resolution")
    base = [bits_of(getattr(point, name)) for name in names]
    words: list[int] = []
    for change in [change for change in point.life if change.at_us <= begin_us][-1:]:
        now = [bits_of(getattr(change, name)) for name in names]
        words += now if now != base else []
    for change in point.life:
        if from_us <= change.at_us <= until_us:
            words += [bits_of(getattr(change, name)) for name in names]
            words += [bits_of(change.last_raw), bits_of(change.first_raw)]
            words += [change.at_us, int(change.goes_on)]
    return words


def bits_of(value: float) -> int:
    return int(struct.unpack("<Q", struct.pack("<d", value))[0])
