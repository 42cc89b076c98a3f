import { businessDay, startOfDay, type PeriodRules } from "@/use/period";
import { shiftDay } from "@/use/zone";
import { COVERED_SHARE_MIN } from "./words";

/** [start, end) [ms]. */
export interface Stretch {
  start: number;
  end: number;
}

/** The stretches of time that the overview is of; all on edges of the base interval. */
export interface DayStretches {
  /** From the start of the business day to the end of the interval that runs. */
  today: Stretch;
  /** What of today has ended; empty before the first edge. */
  ended: Stretch;
  /** As much of the business day before. */
  yesterday: Stretch;
  /** Seven whole business days before today. */
  before: Stretch;
}

const DAYS_BEFORE = 7;

/** Today and what it is compared with. On a day when clocks change, equally much time since the day began is compared. */
export function stretchesOf(now: number, rules: PeriodRules): DayStretches {
  const day = businessDay(now, rules);
  const start = startOfDay(day, rules);
  const edge = Math.max(start, Math.floor(now / rules.baseIntervalMs) * rules.baseIntervalMs);
  const startBefore = startOfDay(shiftDay(day, -1), rules);
  return {
    today: { start, end: edge + rules.baseIntervalMs },
    ended: { start, end: edge },
    yesterday: { start: startBefore, end: Math.min(start, startBefore + (edge - start)) },
    before: { start: startOfDay(shiftDay(day, -DAYS_BEFORE), rules), end: start },
  };
}

export interface Difference {
  /** Today less yesterday, in the unit of both. */
  amount: number;
  /** Of yesterday; null where yesterday was nothing. */
  share: number | null;
  direction: "more" | "less" | "same";
}

/** Less than this is no difference that a meter could tell. */
const SAME_SHARE = 0.000_5;

/** What differs from before; null where either is not known. */
export function differenceOf(now: number | null, before: number | null): Difference | null {
  if (now === null || before === null) return null;
  const amount = now - before;
  const share = before === 0 ? null : amount / Math.abs(before);
  const isSame = share === null ? amount === 0 : Math.abs(share) < SAME_SHARE;
  return { amount, share, direction: isSame ? "same" : amount > 0 ? "more" : "less" };
}

/** Whether readings cover nearly all of a time: a part of it compares with nothing. */
export function isCovered(coveredShare: number): boolean {
  return coveredShare >= COVERED_SHARE_MIN;
}
