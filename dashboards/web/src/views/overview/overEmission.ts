import type { EnergyRow } from "@/api/types";
import { emissionOf } from "@/use/useUnit";

/**
 * The rule by which the overview says that too much is emitted.
 *
 * The mean rate of an interval is clearly too high when it is more than 1.2 times the mean of the same interval
 * of the seven days before (24 h, 48 h … earlier), and higher than on any of these days: the second half keeps a
 * Monday quiet whose shifts rested on Sunday. Days of which less than half of the interval is covered do not count,
 * and with fewer than two days nothing is said.
 */
export const RATIO_MIN = 1.2;
export const DAYS_MIN = 2;
const DAYS_MAX = 7;
const COVERED_SHARE_MIN = 0.5;
/** The interval that runs is judged once so much of it has passed: a batch makes a minute high, and means nothing. */
export const PASSED_MS_MIN = 180_000;
const DAY_MS = 86_400_000;
const MS_PER_HOUR = 3_600_000;

export interface OverEmission {
  /** Start of the interval that is too high [ms]. */
  start: number;
  /** Its mean rate so far [tCO2e/h]. */
  rate: number;
  /** Mean of the same interval of the days before [tCO2e/h]. */
  usual: number;
  /** The highest of them [tCO2e/h]. */
  highest: number;
  dayCount: number;
}

/** How much of an interval has passed when it was read [ms]. */
export function passedMs(row: EnergyRow, intervalMs: number, asOf: number): number {
  return Math.min(intervalMs, asOf - Date.parse(row.start));
}

/**
 * Mean emission over what has passed of an interval [tCO2e/h]; null where it is not known.
 *
 * Not over what is covered: that is the least of all inputs, so that the others' energy would count for too little
 * time, and the rate be too high.
 */
export function emissionRate(row: EnergyRow, intervalMs: number, asOf: number): number | null {
  const emission = emissionOf(row);
  const passed = passedMs(row, intervalMs, asOf);
  return emission === null || passed <= 0 ? null : (emission / passed) * MS_PER_HOUR;
}

/**
 * The newest interval of today that is clearly too high; null where none is.
 *
 * Only the interval that runs and the one before it speak of now. `rows` are base results of the boundary of the
 * site, of today and of the days before, read at `asOf` [ms].
 */
export function overEmission(rows: readonly EnergyRow[], asOf: number, intervalMs: number): OverEmission | null {
  const running = Math.floor(asOf / intervalMs) * intervalMs;
  const ofStart = new Map(rows.map((row) => [Date.parse(row.start), row]));
  for (const start of [running, running - intervalMs]) {
    const row = ofStart.get(start);
    if (row === undefined || passedMs(row, intervalMs, asOf) < PASSED_MS_MIN) continue;
    // The newest interval that can be judged decides: when it is over, it is over.
    return judged(emissionRate(row, intervalMs, asOf), start, usualRates(ofStart, start, intervalMs));
  }
  return null;
}

function judged(rate: number | null, start: number, usual: number[]): OverEmission | null {
  if (rate === null || usual.length < DAYS_MIN) return null;
  const mean = usual.reduce((sum, each) => sum + each, 0) / usual.length;
  const highest = Math.max(...usual);
  if (rate <= mean * RATIO_MIN || rate <= highest) return null;
  return { start, rate, usual: mean, highest, dayCount: usual.length };
}

function usualRates(ofStart: Map<number, EnergyRow>, start: number, intervalMs: number): number[] {
  const rates = Array.from({ length: DAYS_MAX }, (_, index) => ofStart.get(start - (index + 1) * DAY_MS))
    .filter((row) => row !== undefined && row.covered_us >= intervalMs * 1_000 * COVERED_SHARE_MIN)
    .map((row) => emissionRate(row as EnergyRow, intervalMs, start));
  return rates.filter((rate) => rate !== null);
}
