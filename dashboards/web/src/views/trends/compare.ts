import type { Interval } from "@/api/types";
import { businessDay, startOfDay, type Period, type PeriodRules } from "@/use/period";
import { instantOf, offsetOf, shiftDay, type CalendarDay } from "@/use/zone";
import { edgesOf } from "./grain";

export const COMPARISONS = ["none", "before", "weekday", "year"] as const;
export type Comparison = (typeof COMPARISONS)[number];

/** How far back the other period lies, on the calendar and not in hours: a day is a day when clocks change. */
export type Shift = { days: number } | { months: number };

/** The other period that is shown beside one; no shift where the calendar has none. */
export interface Beside {
  comparison: Comparison;
  shift: Shift | null;
}

interface Bounds {
  start: number;
  end: number;
}

const DAY_MS = 86_400_000;

/** The shift of a comparison; null where it makes no sense. */
export function shiftOf(how: Comparison, period: Period, interval: Interval, rules: PeriodRules): Shift | null {
  const days = edgesOf(period.start, period.end, "day", rules).length - 1;
  switch (how) {
    case "none":
      return null;
    case "before":
      if (interval === "month") return { months: edgesOf(period.start, period.end, "month", rules).length - 1 };
      return period.kind === "month" ? { months: 1 } : { days };
    case "weekday":
      // As many whole weeks as the two do not overlap.
      return interval === "month" ? null : { days: Math.ceil(days / 7) * 7 };
    case "year":
      return { months: 12 };
  }
}

/** The other period, as long as this one has run; null where the calendar has no such days. */
export function comparedBounds(period: Bounds, shift: Shift, rules: PeriodRules): Bounds | null {
  const [start, end] = [period.start, period.end].map((at) => shifted(at, shift, rules)) as [number, number];
  return end > start ? { start, end } : null;
}

/** The instant so many days or months earlier that has the same time of the business day. */
function shifted(at: number, shift: Shift, rules: PeriodRules): number {
  const day = businessDay(at, rules);
  const earlier = dayBefore(day, shift);
  if (earlier.isCut) return startOfDay(earlier.day, rules);
  return instantOf(earlier.day, rules.dayStartMs + intoDay(at, day, rules), rules.timeZone);
}

/** Wall clock time since the business day began [ms]. */
function intoDay(at: number, day: CalendarDay, rules: PeriodRules): number {
  return at + offsetOf(at, rules.timeZone) - (Date.parse(`${day}T00:00:00Z`) + rules.dayStartMs);
}

/** A day that the other month does not have (30 February) becomes the first day after that month. */
function dayBefore(day: CalendarDay, shift: Shift): { day: CalendarDay; isCut: boolean } {
  if ("days" in shift) return { day: shiftDay(day, -shift.days), isCut: false };
  const [year = 0, month = 1, of = 1] = day.split("-").map(Number);
  const first = new Date(Date.UTC(year, month - 1 - shift.months, 1));
  const found = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth(), of));
  const isCut = found.getUTCMonth() !== first.getUTCMonth();
  if (isCut) found.setUTCDate(1);
  return { day: found.toISOString().slice(0, 10), isCut };
}

/**
 * For each interval the start of the one to lay over it: the same time of the same day of the other period.
 *
 * null where that has none: an hour that a change of the clock skipped there, or one that only happens twice here.
 */
export function alignedStarts(starts: readonly number[], shift: Shift, rules: PeriodRules): (number | null)[] {
  const days = new Map<CalendarDay, { start: number; moved: number; isEven: boolean; isCut: boolean }>();
  const taken = new Set<number>();
  let today = { day: "" as CalendarDay, end: Number.NEGATIVE_INFINITY };
  return starts.map((start) => {
    if (start >= today.end) {
      const day = businessDay(start, rules);
      today = { day, end: startOfDay(shiftDay(day, 1), rules) };
    }
    let known = days.get(today.day);
    if (known === undefined) days.set(today.day, (known = pairOf(today.day, shift, rules)));
    if (known.isCut) return null;
    const found = known.isEven ? known.moved + (start - known.start) : sameWall(start, shift, rules);
    if (found === null || taken.has(found)) return null;
    taken.add(found);
    return found;
  });
}

/** A day and the one to compare it with; even where neither changes its clocks. */
function pairOf(day: CalendarDay, shift: Shift, rules: PeriodRules): { start: number; moved: number; isEven: boolean; isCut: boolean } {
  const other = dayBefore(day, shift);
  const [start, moved] = [startOfDay(day, rules), startOfDay(other.day, rules)];
  const isEven = startOfDay(shiftDay(day, 1), rules) - start === DAY_MS && startOfDay(shiftDay(other.day, 1), rules) - moved === DAY_MS;
  return { start, moved, isEven, isCut: other.isCut };
}

function sameWall(at: number, shift: Shift, rules: PeriodRules): number | null {
  const zone = rules.timeZone;
  const day = businessDay(at, rules);
  const other = dayBefore(day, shift).day;
  const wanted = Date.parse(`${other}T00:00:00Z`) + rules.dayStartMs + intoDay(at, day, rules);
  const found = shifted(at, shift, rules);
  return found + offsetOf(found, zone) === wanted ? found : null;
}

/** How much more (or less) than the other; null where either is not known. */
export function differenceOf(value: number | null, other: number | null): { absolute: number | null; percent: number | null } {
  if (value === null || other === null) return { absolute: null, percent: null };
  return { absolute: value - other, percent: other === 0 ? null : ((value - other) / Math.abs(other)) * 100 };
}
