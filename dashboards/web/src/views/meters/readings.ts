import type { Reading } from "@/api/types";

export interface Dot {
  /** [ms] */
  at: number;
  /** null is a gap: a line must not be drawn across it. */
  value: number | null;
  isBad: boolean;
}

/** Readings as the line of a chart: broken where more than `gapS` passed without one, and where one has no value. */
export function dotsOf(readings: readonly Reading[], gapS: number): Dot[] {
  const dots: Dot[] = [];
  let before: number | null = null;
  for (const { ts, value, grade } of readings) {
    const at = Date.parse(ts);
    if (before !== null && at - before > gapS * 1_000) dots.push({ at: before + 1, value: null, isBad: false });
    dots.push({ at, value, isBad: grade !== "good" });
    before = at;
  }
  return dots;
}

/** The part of a period that its newest so many readings lie in, by how dense they were. Its ends are on base intervals. */
export function newestPart(
  period: { start: number; end: number },
  readingCount: number,
  countMax: number,
  baseIntervalMs: number,
): { start: number; end: number } {
  if (readingCount <= countMax) return period;
  const lengthMs = ((period.end - period.start) * countMax) / readingCount;
  const intervals = Math.max(1, Math.floor(lengthMs / baseIntervalMs));
  return { start: Math.max(period.start, period.end - intervals * baseIntervalMs), end: period.end };
}
