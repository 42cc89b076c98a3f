import { dayOf, instantOf, shiftDay, type CalendarDay } from "./zone";

export const PERIOD_KINDS = ["today", "yesterday", "week", "month", "custom"] as const;
export type PeriodKind = (typeof PERIOD_KINDS)[number];

/** What is chosen; `first` and `last` are business days, and only of `custom`. */
export interface PeriodChoice {
  kind: PeriodKind;
  first?: CalendarDay;
  last?: CalendarDay;
}

/** What decides where periods begin. */
export interface PeriodRules {
  timeZone: string;
  baseIntervalMs: number;
  dayStartMs: number;
}

/** [start, end) on edges of the base interval [ms]. A period that still runs ends at the next edge. */
export interface Period {
  kind: PeriodKind;
  start: number;
  end: number;
  isOpen: boolean;
}

/** Half-open, on edges of the base interval. [ms] */
export interface Bounds {
  start: number;
  end: number;
}

/** What of a period has closed; its first interval where none has. */
export function closedOf({ start, end, isOpen }: Pick<Period, "start" | "end" | "isOpen">, { baseIntervalMs }: Pick<PeriodRules, "baseIntervalMs">): Bounds {
  return { start, end: Math.max(isOpen ? end - baseIntervalMs : end, start + baseIntervalMs) };
}

/** The business day that holds an instant. */
export function businessDay(at: number, rules: PeriodRules): CalendarDay {
  let day = dayOf(at, rules.timeZone);
  while (startOfDay(day, rules) > at) day = shiftDay(day, -1);
  return day;
}

export function startOfDay(day: CalendarDay, rules: PeriodRules): number {
  return instantOf(day, rules.dayStartMs, rules.timeZone);
}

/** The first edge of the base interval after an instant. */
export function nextEdge(at: number, rules: PeriodRules): number {
  return (Math.floor(at / rules.baseIntervalMs) + 1) * rules.baseIntervalMs;
}

export function periodOf(choice: PeriodChoice, now: number, rules: PeriodRules): Period {
  const today = businessDay(now, rules);
  const [first, last] = daysOf(choice, today);
  const start = startOfDay(first, rules);
  const whole = startOfDay(shiftDay(last, 1), rules);
  const edge = nextEdge(now, rules);
  const isOpen = whole >= edge;
  return { kind: choice.kind, start, end: Math.max(isOpen ? edge : whole, start + rules.baseIntervalMs), isOpen };
}

/** The period of the same length just before, cut to the same share of it: today so far against yesterday so far. */
export function periodBefore(period: Period): Period {
  const days = Math.max(1, Math.ceil((period.end - period.start) / 86_400_000));
  const shift = days * 86_400_000;
  return { ...period, start: period.start - shift, end: period.end - shift, isOpen: false };
}

function daysOf(choice: PeriodChoice, today: CalendarDay): [CalendarDay, CalendarDay] {
  switch (choice.kind) {
    case "today":
      return [today, today];
    case "yesterday":
      return [shiftDay(today, -1), shiftDay(today, -1)];
    case "week":
      return [shiftDay(today, -6), today];
    case "month":
      return [`${today.slice(0, 8)}01`, today];
    case "custom": {
      const first = choice.first ?? today;
      const last = choice.last ?? first;
      return first <= last ? [first, last] : [last, first];
    }
  }
}
