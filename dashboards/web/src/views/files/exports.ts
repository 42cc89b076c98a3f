import type { FileFormat, Interval, Series } from "@/api/types";
import type { Span } from "@/api/routes";

export const EXPORTS = ["readings", "results"] as const;
export type ExportKind = (typeof EXPORTS)[number];
export const INTERVALS = ["base", "hour", "day", "month"] as const;

export interface Wish {
  kind: ExportKind;
  /** "" is all; else "meter:CODE" or "point:CODE" of readings, and the series, as "node:CODE", of results. */
  of: string;
  interval: Interval;
  format: FileFormat;
  span: Span;
}

/** A wish as the centre is asked for it. */
export function requestOf({ kind, of, interval, format, span }: Wish): { path: string; query: Record<string, string> } {
  const [what = "", ...rest] = of.split(":");
  const code = rest.join(":");
  const query: Record<string, string> = { ...span, format };
  if (kind === "results") {
    query.interval = interval;
    if (of !== "") Object.assign(query, { kind: what, code });
  } else if (of !== "") {
    query[what] = code;
  }
  return { path: `/exports/${kind}`, query };
}

/** The series by kind, each code once: a node has one for every carrier, and the file holds them all. */
export function seriesByKind(series: readonly Series[]): Map<Series["kind"], string[]> {
  const found = new Map<Series["kind"], Set<string>>([["node", new Set()], ["flow", new Set()], ["product", new Set()], ["residual", new Set()], ["point", new Set()]]);
  for (const { kind, code } of series) found.get(kind)?.add(code);
  return new Map([...found].filter(([, codes]) => codes.size > 0).map(([kind, codes]) => [kind, [...codes].toSorted()]));
}
