import type { EnergyRow } from "@/api/types";
import { emissionRate } from "./overEmission";

export const CURVE_KINDS = ["power", "emission"] as const;
export type CurveKind = (typeof CURVE_KINDS)[number];

const US_PER_HOUR = 3_600_000_000;

/** What each curve is of, as a mean over the covered part of an interval. */
export const OF_CURVE: Readonly<Record<CurveKind, { unit: string; rate: (row: EnergyRow) => number | null }>> = {
  power: {
    unit: "kW",
    rate: ({ energy_kwh, covered_us }) => (energy_kwh === null || covered_us <= 0 ? null : (energy_kwh * US_PER_HOUR) / covered_us),
  },
  emission: { unit: "tCO2e/h", rate: emissionRate },
};

type Dot = [number, number | null];

export interface Curve {
  /** [ms since the day began, mean rate] at both ends of each interval; null where nothing is known. */
  ended: Dot[];
  /** The interval that runs. */
  open: Dot[];
}

interface Of {
  kind: CurveKind;
  start: number;
  intervalMs: number;
}

/** The steps of a day. Where an interval is missing there is a gap, not a line across it. */
export function curveOf(rows: readonly EnergyRow[], { kind, start, intervalMs }: Of): Curve {
  const curve: Curve = { ended: [], open: [] };
  for (const row of rows) {
    const from = Date.parse(row.start) - start;
    const value = OF_CURVE[kind].rate(row);
    const into = row.flags.includes("open") ? curve.open : curve.ended;
    const last = into.at(-1);
    if (last !== undefined && last[0] !== from) into.push([from, null]);
    into.push([from, value], [from + intervalMs, value]);
  }
  return curve;
}
