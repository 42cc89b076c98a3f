import type { EnergyRow } from "@/api/types";
import { emissionRate, passedMs } from "./overEmission";

export const CURVE_KINDS = ["power", "emission"] as const;
export type CurveKind = (typeof CURVE_KINDS)[number];

const MS_PER_HOUR = 3_600_000;

type Rate = (row: EnergyRow, intervalMs: number, asOf: number) => number | null;

/** What each curve is of, as a mean over what has passed of an interval. */
export const OF_CURVE: Readonly<Record<CurveKind, { unit: string; rate: Rate }>> = {
  power: { unit: "kW", rate: meanPower },
  emission: { unit: "tCO2e/h", rate: emissionRate },
};

function meanPower(row: EnergyRow, intervalMs: number, asOf: number): number | null {
  const passed = passedMs(row, intervalMs, asOf);
  return row.energy_kwh === null || passed <= 0 ? null : (row.energy_kwh / passed) * MS_PER_HOUR;
}

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
  /** When the results were read [ms]. */
  asOf: number;
}

/** The steps of a day. Where an interval is missing there is a gap, not a line across it. */
export function curveOf(rows: readonly EnergyRow[], { kind, start, intervalMs, asOf }: Of): Curve {
  const curve: Curve = { ended: [], open: [] };
  for (const row of rows) {
    const from = Date.parse(row.start) - start;
    const value = OF_CURVE[kind].rate(row, intervalMs, asOf);
    const into = row.flags.includes("open") ? curve.open : curve.ended;
    const last = into.at(-1);
    if (last !== undefined && last[0] !== from) into.push([from, null]);
    into.push([from, value], [from + intervalMs, value]);
  }
  return curve;
}
