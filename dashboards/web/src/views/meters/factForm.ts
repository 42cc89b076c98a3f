import type { MeterCalibration, MeterChange } from "@/api/types";
import { dayOf, instantOf, wallOf, pad } from "@/use/zone";
import { numberOf } from "@/views/review/number";

/** What the centre takes of a meter's life, as a person would call it. */
export const FACT_KINDS = ["exchange", "multiplier", "digits", "retired", "calibration"] as const;
export type FactKind = (typeof FACT_KINDS)[number];

export const FIELDS = {
  exchange: ["from", "last_reading", "first_reading", "serial_number", "multiplier", "reason"],
  multiplier: ["from", "multiplier", "last_reading", "reason"],
  digits: ["from", "integer", "decimal", "rate_max_per_hour", "reason"],
  retired: ["from", "last_reading", "reason"],
  calibration: ["certificate", "calibrated_on", "due", "accuracy_class", "reason"],
} as const satisfies Record<FactKind, readonly string[]>;
export type Field = (typeof FIELDS)[FactKind][number];

/** What was typed; a field that is not there is empty. */
export type Draft = Partial<Record<Field, string>>;
export type Fault = "required" | "number" | "positive" | "whole" | "instant" | "order";
export type Faults = Partial<Record<Field, Fault>>;

const REQUIRED: Record<FactKind, readonly Field[]> = {
  exchange: ["from", "first_reading", "reason"],
  multiplier: ["from", "multiplier", "reason"],
  digits: ["from", "integer", "reason"],
  retired: ["from", "reason"],
  calibration: ["certificate", "calibrated_on", "due"],
};
const NUMBERS: ReadonlySet<Field> = new Set(["last_reading", "first_reading", "multiplier", "integer", "decimal", "rate_max_per_hour"]);
const POSITIVE: ReadonlySet<Field> = new Set(["multiplier", "rate_max_per_hour"]);
/** Readings are of registers; others have no level to begin or end with. */
const OF_REGISTERS: ReadonlySet<Field> = new Set(["last_reading", "first_reading"]);

export function isRequired(kind: FactKind, field: Field): boolean {
  return REQUIRED[kind].includes(field);
}

/** The kinds and fields that make sense for a point. */
export function kindsFor(isRegister: boolean): readonly FactKind[] {
  return isRegister ? FACT_KINDS : FACT_KINDS.filter((kind) => kind !== "exchange" && kind !== "digits");
}

export function fieldsFor(kind: FactKind, isRegister: boolean): readonly Field[] {
  return FIELDS[kind].filter((field) => isRegister || !OF_REGISTERS.has(field));
}

/** What is wrong with what was typed, before the centre is asked. */
export function faultsOf(kind: FactKind, draft: Draft, zone: string): Faults {
  const faults: Faults = {};
  for (const field of FIELDS[kind]) {
    const text = draft[field]?.trim() ?? "";
    const fault = text === "" ? (isRequired(kind, field) ? "required" : null) : faultOf(field, text, zone);
    if (fault) faults[field] = fault;
  }
  if (kind === "calibration" && !faults.due && draft.calibrated_on && draft.due && draft.due < draft.calibrated_on) faults.due = "order";
  return faults;
}

function faultOf(field: Field, text: string, zone: string): Fault | null {
  if (field === "from") return instantOfWritten(text, zone) === null ? "instant" : null;
  if (!NUMBERS.has(field)) return null;
  const number = numberOf(text);
  if (number === undefined || number === null) return "number";
  if (POSITIVE.has(field) && number <= 0) return "positive";
  if ((field === "integer" || field === "decimal") && (!Number.isInteger(number) || number < 0)) return "whole";
  return null;
}

/** What was typed into a field of local date and time, as an instant [ms]; null where it is none. */
export function instantOfWritten(text: string, zone: string): number | null {
  const found = /^(\d{4}-\d{2}-\d{2})T(\d{2}):(\d{2})(?::(\d{2}))?$/.exec(text);
  if (found === null) return null;
  const [, day = "", hour, minute, second] = found;
  const at = instantOf(day, ((Number(hour) * 60 + Number(minute)) * 60 + Number(second ?? 0)) * 1_000, zone);
  return Number.isFinite(at) ? at : null;
}

/** An instant as a field of local date and time has it. */
export function writtenOf(at: number, zone: string): string {
  const { hour, minute } = wallOf(at, zone);
  return `${dayOf(at, zone)}T${pad(hour, 2)}:${pad(minute, 2)}`;
}

/** A draft without faults as the centre takes it. */
export function changeOf(kind: Exclude<FactKind, "calibration">, draft: Draft, zone: string): MeterChange {
  const text = (field: Field): string => draft[field]?.trim() ?? "";
  const change: MeterChange = { from: new Date(instantOfWritten(text("from"), zone) ?? NaN).toISOString() };
  for (const field of FIELDS[kind]) {
    const written = text(field);
    if (written === "" || field === "from") continue;
    if (field === "reason" || field === "serial_number") change[field] = written;
    else if (field === "integer") change.digits = { integer: Number(written), decimal: Number(text("decimal") || 0) };
    else if (field !== "decimal") change[field] = Number(written);
  }
  return kind === "retired" ? { ...change, retired: true } : change;
}

export function calibrationOf(draft: Draft): MeterCalibration {
  const { certificate = "", calibrated_on = "", due = "", accuracy_class, reason } = draft;
  return {
    certificate: certificate.trim(),
    calibrated_on,
    due,
    ...(accuracy_class?.trim() ? { accuracy_class: accuracy_class.trim() } : {}),
    ...(reason?.trim() ? { reason: reason.trim() } : {}),
  };
}

/** The field that a problem of the centre names, among those shown; null where it is of all. */
export function fieldOf(pointer: string | null, fields: readonly Field[]): Field | null {
  const steps = (pointer ?? "").split("/").toReversed().map((step) => (step === "digits" ? "integer" : step));
  return steps.map((step) => fields.find((field) => field === step)).find((field) => field !== undefined) ?? null;
}
