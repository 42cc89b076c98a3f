import type { MeterCalibration, MeterChange, MeterFact } from "@/api/types";
import type { PlantMeter, PlantPoint } from "@/parts/plant";

export const CHANGE_KINDS = ["exchange", "multiplier", "digits", "rating", "retired"] as const;
export type ChangeKind = (typeof CHANGE_KINDS)[number];

/** What happened to a meter, by the day or instant of it. */
export interface LifeEvent {
  key: string;
  kind: "start" | "calibration" | ChangeKind;
  /** [ms]; of a calibration the start of its day in UTC, which is only for order. */
  at: number;
  change: MeterChange | null;
  calibration: MeterCalibration | null;
  /** As it was entered beside the description, if it was. */
  fact: MeterFact | null;
  isWithdrawn: boolean;
}

/** What a change is called: by the greatest thing that it says. */
export function kindOf(change: MeterChange): ChangeKind {
  if (change.retired) return "retired";
  if (change.first_reading !== undefined || change.serial_number !== undefined) return "exchange";
  if (change.multiplier !== undefined) return "multiplier";
  return change.digits === undefined ? "rating" : "digits";
}

/** The life of a point and its meter, the newest first: what the description says, and what was entered beside it. */
export function lifeOf(meter: PlantMeter, point: PlantPoint, start: string, facts: readonly MeterFact[]): LifeEvent[] {
  const own = facts.filter(({ kind, code }) => code === (kind === "change" ? point.code : meter.code));
  const said = new Set(own.filter((fact) => fact.withdrawn_at === null).map((fact) => wordsOf(fact.fact)));
  const described = (row: MeterChange | MeterCalibration): boolean => !said.has(wordsOf(row));
  return [
    { key: "start", kind: "start" as const, at: Date.parse(start), change: null, calibration: null, fact: null, isWithdrawn: false },
    ...point.life.filter(described).map((row) => eventOf(`described ${row.from}`, row, null)),
    ...meter.calibrations.filter(described).map((row) => eventOf(`described ${row.certificate}`, row, null)),
    ...own.map((fact) => eventOf(`fact ${fact.id}`, fact.fact, fact)),
  ].toSorted((one, other) => other.at - one.at || (one.key < other.key ? 1 : -1));
}

function eventOf(key: string, row: MeterChange | MeterCalibration, fact: MeterFact | null): LifeEvent {
  const isWithdrawn = fact !== null && fact.withdrawn_at !== null;
  if ("certificate" in row) return { key, kind: "calibration", at: Date.parse(row.calibrated_on), change: null, calibration: row, fact, isWithdrawn };
  return { key, kind: kindOf(row), at: Date.parse(row.from), change: row, calibration: null, fact, isWithdrawn };
}

/** The same words for the same row, however its instant is written. */
function wordsOf(row: MeterChange | MeterCalibration): string {
  const fields = Object.entries("from" in row ? { ...row, from: Date.parse(row.from) } : row);
  return JSON.stringify(fields.toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

/** What a change has computed again. */
export type Reach =
  | { kind: "nothing" }
  /** Only what lies about the instant: the register is another one, and counts as before. */
  | { kind: "about"; at: number }
  /** From the instant to the next change, or to now. */
  | { kind: "span"; at: number; until: number | null }
  /** All of the site from the instant on: a flow has lost its meter. */
  | { kind: "site"; at: number };

export function reachOf(change: Pick<MeterChange, "multiplier" | "digits" | "rate_max_per_hour" | "retired">, at: number, life: readonly LifeEvent[]): Reach {
  if (change.retired) return { kind: "site", at };
  const lasts = [change.multiplier, change.digits, change.rate_max_per_hour].some((each) => each !== undefined);
  if (!lasts) return { kind: "about", at };
  const later = life.filter((event) => event.change !== null && !event.isWithdrawn && event.at > at).map((event) => event.at);
  return { kind: "span", at, until: later.length === 0 ? null : Math.min(...later) };
}
