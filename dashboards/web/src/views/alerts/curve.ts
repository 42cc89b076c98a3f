import type { EnergyRow } from "@/api/types";
import { emissionOf } from "@/use/useUnit";

export type Period = "day" | "month";
/** What a value in a unit is of: a rate over each interval, or what has come together since a period began. */
export interface Curve {
  isRate: boolean;
  /** One interval of `hours`, or what it adds. */
  value(row: EnergyRow, hours: number): number | null;
}

const scaled = (value: number | null, by: number): number | null => (value === null ? null : value * by);

const CURVES: Record<string, Curve> = {
  kW: { isRate: true, value: (row, hours) => scaled(row.energy_kwh, 1 / hours) },
  MW: { isRate: true, value: (row, hours) => scaled(row.energy_kwh, 1 / hours / 1_000) },
  "kgCO2e/h": { isRate: true, value: (row, hours) => scaled(emissionOf(row), 1_000 / hours) },
  "tCO2e/h": { isRate: true, value: (row, hours) => scaled(emissionOf(row), 1 / hours) },
  "kgce/h": { isRate: true, value: (row, hours) => scaled(row.coal_equivalent_tce, 1_000 / hours) },
  kWh: { isRate: false, value: (row) => row.energy_kwh },
  MWh: { isRate: false, value: (row) => scaled(row.energy_kwh, 1e-3) },
  GJ: { isRate: false, value: (row) => scaled(row.energy_kwh, 0.0036) },
  tce: { isRate: false, value: (row) => row.coal_equivalent_tce },
  tCO2e: { isRate: false, value: (row) => emissionOf(row) },
  kgCO2e: { isRate: false, value: (row) => scaled(emissionOf(row), 1_000) },
};

/** The curve of stored results that a value in a unit can be compared with; null where there is none. */
export function curveOf(unit: string): Curve | null {
  return CURVES[unit] ?? null;
}

/** Values beside their instants; of sums, what has come since the beginning, and nothing once a part is missing. */
export function valuesOf(rows: readonly EnergyRow[], curve: Curve, hours: number): [number, number | null][] {
  let sum: number | null = 0;
  return rows.map((row) => {
    const value = curve.value(row, hours);
    if (curve.isRate) return [Date.parse(row.start), value];
    sum = sum === null || value === null ? null : sum + value;
    return [Date.parse(row.start) + hours * 3_600_000, sum];
  });
}

const DAY_MS = 86_400_000;
const BEFORE_MS = 6 * 3_600_000;

/** What is drawn around an alert [ms]: from some hours before to some after, at most a day and a half, on edges of the interval. */
export function spanAround(from: number, to: number, edgeMs: number): { start: number; end: number } {
  const start = Math.floor((from - BEFORE_MS) / edgeMs) * edgeMs;
  const end = Math.ceil(Math.min(to, start + 1.5 * DAY_MS) / edgeMs) * edgeMs;
  return { start, end: Math.max(end, start + edgeMs) };
}
