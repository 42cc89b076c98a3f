/** What the centre answers of meters: readings, their quality and their register. */
import type { Sum, Answer, Assessed } from "./types";

export interface PointState extends Assessed {
  code: string;
  meter: string;
  gateway: string;
  gateway_class: "receipted" | "acknowledged" | "best_effort";
  kind: "register" | "gauge" | "interval";
  unit: string;
  address: string;
  active: boolean;
  valid_from: string;
  valid_to: string | null;
  first_ts: string | null;
  last_ts: string | null;
  last_value: number | null;
  age_s: number | null;
}

export interface Points extends Answer {
  points: PointState[];
  next_cursor: string | null;
}

export interface Reading extends Assessed {
  ts: string;
  value: number | null;
  received_at: string;
}

export interface Readings extends Answer {
  point: string;
  unit: string;
  rows: Reading[];
  /** What stands about readings of the period: amounts are computed as decided. */
  decisions: Decision[];
  next_cursor: string | null;
}

export interface ReceivedHour {
  hour: string;
  gateway: string;
  gateway_class: string;
  received: number;
  stored: number;
  duplicate: number;
  conflict: number;
  quarantined: number;
  adds_up: boolean;
}

export interface Received extends Answer {
  rows: ReceivedHour[];
  next_cursor: string | null;
}

export interface SequenceGap {
  gateway: string;
  epoch: string;
  first_seq: number;
  last_seq: number;
  last_received_at: string;
}

export interface SequenceGaps extends Answer {
  gaps: SequenceGap[];
  more: boolean;
}

export interface Conflict {
  point: string;
  ts: string;
  value: number | null;
  kept_value: number | null;
  received_at: string;
  reviewed_at: string | null;
  reviewed_by: string | null;
}

export interface Conflicts extends Answer {
  conflicts: Conflict[];
  more: boolean;
}

export const CHECKS = ["spike", "decrease", "range", "step", "rate", "gap", "frozen", "skew", "balance"] as const;
export type CheckName = (typeof CHECKS)[number];
export const FINDING_STATES = ["open", "accepted", "rejected", "corrected"] as const;
export type FindingState = (typeof FINDING_STATES)[number];
export type FindingSubject = "point" | "residual";

/** Adjoining base intervals of a point or a node that fail a check, decided alike. */
export interface Finding {
  subject_kind: FindingSubject;
  subject: string;
  check: CheckName;
  start: string;
  end: string;
  first_at: string | null;
  value: number | null;
  limit: number | null;
  unit: string | null;
  reading_count: number;
  first_seen_at: string;
  state: FindingState;
  decision_id: number | null;
  reason: string | null;
  decided_by: string | null;
  decided_at: string | null;
}

export interface Findings extends Answer {
  findings: Finding[];
  next_cursor: string | null;
}

export interface Decision {
  id: number;
  subject_kind: FindingSubject;
  subject: string;
  kind: "accept" | "reject" | "correct" | "undo";
  check: CheckName | null;
  start: string;
  end: string;
  reading_count: number;
  value: number | null;
  undoes: number | null;
  undone_by: number | null;
  reason: string;
  decided_by: string;
  decided_at: string;
}

export interface Decisions extends Answer {
  decisions: Decision[];
  next_cursor: string | null;
}

export interface Silences extends Answer {
  silences: { point: string; meter: string; gateway: string; since: string }[];
}

export interface Collection extends Answer {
  start: string;
  end: string;
  points: { month: string; meter: string; point: string; completeness: number; self_collection: number; completeness_min: number; is_complete: boolean }[];
  meters: { month: string; meter: string; completeness: number; self_collection: number }[];
}

export interface Completeness extends Answer {
  start: string;
  end: string;
  points: { point: string; unit: string; total: Sum }[];
}

export interface RegisteredPoint {
  code: string;
  multiplier: number;
  integer_digits: number | null;
  decimal_digits: number | null;
  since: string;
  ended_at: string | null;
  change_count: number;
}

export interface RegisteredMeter {
  code: string;
  name_zh: string;
  name_en: string;
  node: string | null;
  model: string | null;
  serial_number: string | null;
  accuracy_class: string | null;
  certificate: string | null;
  calibrated_on: string | null;
  calibration_due: string | null;
  overdue: boolean | null;
  in_use: boolean;
  points: RegisteredPoint[];
}

export interface MeterRegister extends Answer {
  day: string;
  meters: RegisteredMeter[];
  overdue_count: number;
}

export interface MeterProvision {
  level: "unit" | "secondary" | "equipment";
  energy: string;
  energy_zh: string;
  energy_en: string;
  needed_count: number;
  fitted_count: number;
  share: number;
  required_share: number | null;
  meets: boolean | null;
  confidence: string | null;
  source: string | null;
  lacking: string[];
}

export interface MeterProvisions extends Answer {
  rows: MeterProvision[];
  levels_undeclared: string[];
}

/** What changed in the life of a point, from an instant on; what is not named stayed as it was. */
export interface MeterChange {
  from: string;
  multiplier?: number;
  digits?: { integer: number; decimal?: number };
  rate_max_per_hour?: number;
  /** Before the multiplier, as the next one. */
  last_reading?: number;
  first_reading?: number;
  serial_number?: string;
  retired?: boolean;
  reason?: string;
}

export interface MeterCalibration {
  certificate: string;
  calibrated_on: string;
  /** The last good day. */
  due: string;
  accuracy_class?: string;
  reason?: string;
}

interface Entered {
  id: number;
  /** Of a change its point, of a calibration its meter. */
  code: string;
  created_by: string;
  created_at: string;
  withdrawn_by: string | null;
  withdrawn_at: string | null;
  withdrawn_reason: string | null;
}

export type MeterFact = Entered & ({ kind: "change"; fact: MeterChange } | { kind: "calibration"; fact: MeterCalibration });

export interface MeterFacts extends Answer {
  facts: MeterFact[];
}
