import type { BenchmarkUnit } from "@/api/types";

/** Something on the scale of a gauge; `at` is its share of the way across, 0..1. */
export interface GaugeMark {
  mark: string;
  value: number;
  at: number;
  /** Row of its label: neighbours that would cover each other stand in two. */
  row: number;
}

export interface Gauge {
  low: number;
  high: number;
  marks: GaugeMark[];
  /** Bounds of levels from the left, with how good what lies between them is: 0 the best, 1 beyond all. */
  zones: { from: number; to: number; badness: number }[];
  value: number | null;
  forecast: { at: number; low: number | null; high: number | null } | null;
}

const SCALES: readonly (readonly string[])[] = [["level_1", "level_2", "level_3"], ["benchmark", "baseline"], ["target"], ["own_best"]];
const PADDING = 0.08;
/** An interval that is wider than this many times everything else is cut off at the edge. */
const INTERVAL_TIMES_MAX = 1;
/** Labels nearer than this share of the gauge stand in another row. */
const LABEL_SHARE = 0.07;
const LABEL_ROWS = 3;

/** Where value, forecast and marks stand on one scale; null where there is nothing to show. */
export function gaugeOf(unit: Pick<BenchmarkUnit, "value" | "forecast" | "marks" | "more_is_better">): Gauge | null {
  const core = [unit.value, unit.forecast.value, ...unit.marks.map(({ value }) => value)].filter((value) => value !== null);
  if (core.length === 0) return null;
  const [least, most] = [Math.min(...core), Math.max(...core)];
  const width = most - least || Math.abs(most) * 0.1 || 1;
  const wide = [unit.forecast.low, unit.forecast.high].filter((value) => value !== null);
  const first = Math.max(Math.min(least, ...wide), least - INTERVAL_TIMES_MAX * width);
  const last = Math.min(Math.max(most, ...wide), most + INTERVAL_TIMES_MAX * width);
  const [low, high] = [first - PADDING * (last - first || width), last + PADDING * (last - first || width)];
  const at = (value: number): number => Math.min(1, Math.max(0, (value - low) / (high - low)));
  const share = (value: number | null): number | null => (value === null ? null : at(value));
  const { forecast } = unit;
  return {
    low,
    high,
    marks: rowed(unit.marks.map(({ mark, value }) => ({ mark, value, at: at(value), row: 0 }))),
    zones: zonesOf(unit, at),
    value: share(unit.value),
    forecast: forecast.value === null ? null : { at: at(forecast.value), low: share(forecast.low), high: share(forecast.high) },
  };
}

/** Zones of the first scale of which anything is known. */
function zonesOf({ marks, more_is_better }: Pick<BenchmarkUnit, "marks" | "more_is_better">, at: (value: number) => number): Gauge["zones"] {
  const found = SCALES.map((scale) => scale.flatMap((name) => marks.filter(({ mark }) => mark === name))).find((scale) => scale.length > 0) ?? [];
  if (found.length === 0) return [];
  // Best first; from the best end of the gauge to the other.
  const bounds = [more_is_better ? 1 : 0, ...found.map(({ value }) => at(value)), more_is_better ? 0 : 1];
  const zones = bounds.slice(1).map((bound, index) => ({
    from: Math.min(bound, bounds[index] ?? 0),
    to: Math.max(bound, bounds[index] ?? 0),
    badness: index / found.length,
  }));
  return more_is_better ? zones.toReversed() : zones;
}

function rowed(marks: GaugeMark[]): GaugeMark[] {
  const ends: number[] = Array.from({ length: LABEL_ROWS }, () => Number.NEGATIVE_INFINITY);
  return marks
    .toSorted((a, b) => a.at - b.at)
    .map((mark) => {
      const free = ends.findIndex((end) => mark.at - end >= LABEL_SHARE);
      const row = free >= 0 ? free : ends.indexOf(Math.min(...ends));
      ends[row] = mark.at;
      return Object.assign(mark, { row });
    });
}
