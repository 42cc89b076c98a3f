import type { Bounds } from "@/use/period";

const DAY_MS = 86_400_000;
/** Clocks that are changed make a day longer. */
const LONGEST_DAY_MS = DAY_MS + 7_200_000;

/** Intervals are told one by one of a day, days of what is longer. */
export function grainOf({ start, end }: Bounds): "base" | "day" {
  return end - start <= LONGEST_DAY_MS ? "base" : "day";
}

/** The intervals of a span. */
export function intervalsOf({ start, end }: Bounds, baseIntervalMs: number): Bounds[] {
  return Array.from({ length: Math.round((end - start) / baseIntervalMs) }, (_, index) => ({
    start: start + index * baseIntervalMs,
    end: start + (index + 1) * baseIntervalMs,
  }));
}

/** The interval that begins at an instant of an address, if it lies within the span and on an edge. */
export function chosenOf(text: unknown, span: Bounds, baseIntervalMs: number): Bounds | null {
  if (typeof text !== "string") return null;
  const start = Date.parse(text);
  if (!(start >= span.start && start + baseIntervalMs <= span.end) || (start - span.start) % baseIntervalMs !== 0) return null;
  return { start, end: start + baseIntervalMs };
}
