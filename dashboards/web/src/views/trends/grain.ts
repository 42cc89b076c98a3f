import type { Interval } from "@/api/types";
import { businessDay, startOfDay, type PeriodRules } from "@/use/period";
import { offsetOf, shiftDay, type CalendarDay } from "@/use/zone";

export const INTERVALS: readonly Interval[] = ["base", "hour", "day", "month"];
/** As many intervals as one answer of the centre holds, and one chart shows. */
export const SLOTS_MAX = 10_000;

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** Roughly how long an interval is, to judge how many there are of it [ms]. */
function lengthOf(interval: Interval, rules: PeriodRules): number {
  return { base: rules.baseIntervalMs, hour: HOUR_MS, day: DAY_MS, month: 30 * DAY_MS }[interval];
}

/** The intervals that make at least one and not too many of a span. */
export function intervalsFor(spanMs: number, rules: PeriodRules): Interval[] {
  return INTERVALS.filter((interval) => spanMs / lengthOf(interval, rules) <= SLOTS_MAX);
}

/** The interval that a span is usually read in. */
export function usualInterval(spanMs: number): Interval {
  const days = spanMs / DAY_MS;
  if (days <= 8) return "hour";
  return days <= 120 ? "day" : "month";
}

/** Edges of whole intervals around [start, end), as the centre cuts them: the first at or before start, the last at or after end. [ms] */
export function edgesOf(start: number, end: number, interval: Interval, rules: PeriodRules): number[] {
  switch (interval) {
    case "base":
      return baseEdges(start, end, rules.baseIntervalMs);
    case "hour":
      return hourEdges(start, end, rules.timeZone);
    case "day":
      return dayEdges(start, end, rules);
    case "month":
      return monthEdges(start, end, rules);
  }
}

function baseEdges(start: number, end: number, stepMs: number): number[] {
  const edges = [Math.floor(start / stepMs) * stepMs];
  for (let edge = edges[0] ?? start; edge < end; ) edges.push((edge += stepMs));
  return edges;
}

/** Full hours of the wall clock, and the instants at which the clock is changed. */
function hourEdges(start: number, end: number, zone: string): number[] {
  let offset = offsetOf(start, zone);
  let edge = start - modulo(start + offset, HOUR_MS);
  if (offsetOf(edge, zone) !== offset) edge = changeOf(edge, start, zone);
  const edges = [edge];
  while (edge < end) {
    offset = offsetOf(edge, zone);
    const isEvenDay = modulo(edge + offset, HOUR_MS) === 0 && offsetOf(edge + DAY_MS, zone) === offset;
    if (isEvenDay) {
      // A day without a change of the clock: asking the zone once for it is a hundred times faster.
      for (let hour = 0; hour < 24 && edge < end; hour += 1) edges.push((edge += HOUR_MS));
      continue;
    }
    const following = edge - modulo(edge + offset, HOUR_MS) + HOUR_MS;
    edge = offsetOf(following - 1, zone) === offset ? following : changeOf(edge, following, zone);
    edges.push(edge);
  }
  return edges;
}

/** The first instant in (before, after] with another offset than at `before`. */
function changeOf(before: number, after: number, zone: string): number {
  const offset = offsetOf(before, zone);
  let [low, high] = [before, after];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetOf(middle, zone) === offset) low = middle;
    else high = middle;
  }
  return high;
}

function dayEdges(start: number, end: number, rules: PeriodRules): number[] {
  let day = businessDay(start, rules);
  const edges = [startOfDay(day, rules)];
  for (let edge = edges[0] ?? start; edge < end; ) {
    day = shiftDay(day, 1);
    const following = startOfDay(day, rules);
    // A zone that moved across the date line has a day that never was.
    if (following > edge) edges.push((edge = following));
  }
  return edges;
}

function monthEdges(start: number, end: number, rules: PeriodRules): number[] {
  let first: CalendarDay = `${businessDay(start, rules).slice(0, 8)}01`;
  const edges = [startOfDay(first, rules)];
  while ((edges.at(-1) ?? end) < end) {
    first = `${shiftDay(first, 31).slice(0, 8)}01`;
    edges.push(startOfDay(first, rules));
  }
  return edges;
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by;
}
