import type { Choice } from "@/api/routes";
import type { Alert, AlertHeadline, EnergyRow, Interval, Reading } from "@/api/types";
import { businessDay, type Bounds, type PeriodRules } from "@/use/period";
import { emissionOf } from "@/use/useUnit";
import { endOfPeriod, startOfPeriod } from "@/views/budgets/budgets";

/** Instants [ms] with values; null is not known. */
export type Points = [number, number | null][];

/** What is drawn of an alert, and from what. */
export type Plot =
  | { kind: "rate" | "part" | "sum"; value: Value; of: Choice | "site"; period: AlertHeadline["period"] }
  | { kind: "ratio"; value: Value; product: string; period: AlertHeadline["period"] }
  | { kind: "readings"; point: string };

type Value = (row: EnergyRow) => number | null;

const scaled = (value: number | null, by: number): number | null => (value === null ? null : value * by);

/** Rates by the sum that they are the rate of, in an hour. */
const RATES: Record<string, Value> = {
  kW: (row) => row.energy_kwh,
  MW: (row) => scaled(row.energy_kwh, 1e-3),
  "kgCO2e/h": (row) => scaled(emissionOf(row), 1_000),
  "tCO2e/h": (row) => emissionOf(row),
  "kgce/h": (row) => scaled(row.coal_equivalent_tce, 1_000),
};
const SUMS: Record<string, Value> = {
  kWh: (row) => row.energy_kwh,
  MWh: (row) => scaled(row.energy_kwh, 1e-3),
  GJ: (row) => scaled(row.energy_kwh, 0.0036),
  tce: (row) => row.coal_equivalent_tce,
  tCO2e: (row) => emissionOf(row),
  kgCO2e: (row) => scaled(emissionOf(row), 1_000),
};
/** Above the amount of a product. */
const RATIOS: Record<string, Value> = {
  kgce: (row) => scaled(row.coal_equivalent_tce, 1_000),
  tce: (row) => row.coal_equivalent_tce,
  kgCO2e: (row) => scaled(emissionOf(row), 1_000),
  tCO2e: (row) => emissionOf(row),
};
/** Quantities that are not what the unit says of a row first. */
const OF_QUANTITY: Record<string, Value> = {
  coal_equal_tce: (row) => row.coal_equal_tce,
  emission_direct_tco2e: (row) => row.emission_direct_tco2e,
  emission_purchased_tco2e: (row) => row.emission_purchased_tco2e,
};
const RATIO_MEASURES: ReadonlySet<string> = new Set(["intensity_kgce_per_unit", "intensity_kgco2e_per_unit"]);
const OPEN: ReadonlySet<AlertHeadline["period"]> = new Set(["day", "month", "year"]);

/** What is drawn of an alert by stored results or readings; null where neither says anything of its value. */
export function plotOf({ labels, unit }: Pick<Alert, "labels" | "unit">, headline: AlertHeadline | null): Plot | null {
  if (labels.point !== undefined) return { kind: "readings", point: labels.point };
  if (headline === null) return null;
  const { measure, period } = headline;
  if (labels.product !== undefined) {
    const value = RATIOS[unit.split("/")[0] ?? ""];
    return RATIO_MEASURES.has(measure) && value !== undefined ? { kind: "ratio", value, product: labels.product, period } : null;
  }
  if (labels.unit !== undefined || labels.gateway !== undefined || labels.meter !== undefined) return null;
  const of = labels.node === undefined ? (labels.flow === undefined ? "site" : { flow: labels.flow }) : { node: labels.node };
  const rate = RATES[unit];
  if (rate !== undefined) return { kind: "rate", value: rate, of, period };
  const value = OF_QUANTITY[measure] ?? SUMS[unit];
  return value === undefined ? null : { kind: OPEN.has(period) ? "sum" : "part", value, of, period };
}

const DAY_MS = 86_400_000;
const BEFORE_MS = 6 * 3_600_000;

/** What is drawn around an alert [ms]: from some hours before to some after, at most a day and a half, on edges of the interval. */
export function spanAround(from: number, to: number, edgeMs: number): Bounds {
  const start = Math.floor((from - BEFORE_MS) / edgeMs) * edgeMs;
  const end = Math.ceil(Math.min(to, start + 1.5 * DAY_MS) / edgeMs) * edgeMs;
  return { start, end: Math.max(end, start + edgeMs) };
}

/** The span of a plot, and the intervals that it is drawn by: of an open period that period, until the alert was over. */
export function boundsOf(plot: Plot, active: number, to: number, rules: PeriodRules): Bounds & { interval: Interval } {
  const around = { ...spanAround(active, to, rules.baseIntervalMs), interval: "base" as const };
  if (plot.kind === "readings" || plot.kind === "rate" || !OPEN.has(plot.period)) return around;
  const period = plot.period as "day" | "month" | "year";
  const day = businessDay(active, rules);
  const start = startOfPeriod(period, day, rules);
  const end = Math.min(endOfPeriod(period, day, rules), Math.max(around.end, start + DAY_MS));
  // A month that goes on is drawn to where it has come.
  const last = period === "day" ? end : Math.min(endOfPeriod(period, day, rules), endOfPeriod("day", businessDay(to, rules), rules));
  return { start, end: last, interval: ({ day: "base", month: "hour", year: "day" } as const)[period] };
}

/** How long an interval is [ms]. */
export function lengthOf(interval: Interval, baseMs: number): number {
  return { base: baseMs, hour: 3_600_000, day: DAY_MS, month: 30 * DAY_MS }[interval];
}

/** Rates over each interval, at its beginning. */
export function ratesOf(rows: readonly EnergyRow[], value: Value, lengthMs: number): Points {
  return rows.map((row) => [Date.parse(row.start), scaled(value(row), 3_600_000 / lengthMs)]);
}

/** What each interval adds. */
export function partsOf(rows: readonly EnergyRow[], value: Value): Points {
  return rows.map((row) => [Date.parse(row.start), value(row)]);
}

/** What has come together since the first, at the end of each interval; what is missing adds nothing, as in the value of a rule. */
export function sumsOf(rows: readonly EnergyRow[], value: Value, lengthMs: number): Points {
  let sum = 0;
  return rows.map((row) => {
    const part = value(row);
    sum += part ?? 0;
    return [Date.parse(row.start) + lengthMs, part === null ? null : sum];
  });
}

/** One sum over another, of which each has what the other has; of open periods so far, else of each interval. */
export function quotientsOf(above: Points, below: Points): Points {
  const under = new Map(below);
  return above.map(([at, value]) => {
    const amount = under.get(at) ?? null;
    return [at, value === null || amount === null || amount <= 0 ? null : value / amount];
  });
}

export function readingsOf(rows: readonly Reading[]): Points {
  return rows.map(({ ts, value }) => [Date.parse(ts), value]);
}
