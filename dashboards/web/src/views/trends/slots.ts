import type { EnergyRow, Measures } from "@/api/types";
import type { Mark } from "@/charts/trend";

/** The sum is right or near, its shape within the interval is not known. */
const ESTIMATED = new Set(["interpolated", "held", "derived"]);

export type RowsByStart = ReadonlyMap<number, EnergyRow>;

export function byStart(rows: readonly EnergyRow[]): Map<number, EnergyRow> {
  return new Map(rows.map((row) => [Date.parse(row.start), row]));
}

/** A value for each interval; null, never 0 and never what stands beside it, where there is none. */
export function valuesOf(
  starts: readonly (number | null)[],
  rows: RowsByStart,
  value: (of: Measures) => number | null,
): (number | null)[] {
  return starts.map((start) => {
    const row = start === null ? undefined : rows.get(start);
    return row === undefined ? null : value(row);
  });
}

/** The mark of an interval [start, end) at an instant. */
export function markOf(row: EnergyRow | undefined, end: number, asOf: number): Mark {
  if (end > asOf) return "open";
  if (row === undefined || row.flags.includes("missing")) return "missing";
  if (row.grade === "bad") return "bad";
  const said = row.flags.filter((flag) => flag !== "open");
  if (said.length === 0) return "good";
  return said.every((flag) => ESTIMATED.has(flag)) ? "estimated" : "uncertain";
}

/** Rows with those of a span replaced by newer ones; what the newer answer lacks is gone. */
export function withSpan(rows: RowsByStart, span: { start: number; end: number }, newer: readonly EnergyRow[]): Map<number, EnergyRow> {
  const kept = [...rows].filter(([start]) => start < span.start || start >= span.end);
  return new Map([...kept, ...byStart(newer)]);
}

/** Two spans as the smallest that holds both. */
export function joined(one: { start: number; end: number } | null, other: { start: number; end: number }): { start: number; end: number } {
  return one === null ? other : { start: Math.min(one.start, other.start), end: Math.max(one.end, other.end) };
}

/** The smallest run of whole intervals that holds what a span has of them. */
export function touchedEdges(edges: readonly number[], span: { start: number; end: number }): { start: number; end: number } | null {
  const first = edges.findLastIndex((edge) => edge <= Math.max(span.start, edges[0] ?? 0));
  const last = edges.findIndex((edge) => edge >= Math.min(span.end, edges.at(-1) ?? 0));
  const [start, end] = [edges[first], edges[last]];
  return start === undefined || end === undefined || end <= start ? null : { start, end };
}
