/** What the centre answers, as far as the page uses it. Instants are RFC 3339 texts; null is missing or invalid, never 0. */

export type Grade = "good" | "uncertain" | "bad";
export type Locale = "zh-CN" | "en";

export interface Bilingual {
  zh: string;
  en: string;
}

export interface Me {
  tenant: string;
  tenant_kind: "enterprise" | "park";
  actor: string;
  roles: string[];
  permissions: string[];
  expires_at: string | null;
}

export interface SiteListed {
  code: string;
  name_zh: string;
  name_en: string;
  kind: string;
  time_zone: string;
  version: number;
}

export interface Answer {
  as_of: string;
  complete_until: string | null;
  waiting_for: string[];
  time_zone: string;
}

export interface SiteAnswer extends Answer {
  site: SiteListed;
  base_interval_us: number;
  day_start_us: number;
}

export interface Assessed {
  grade: Grade;
  flags: string[];
}

export interface Measures extends Assessed {
  amount: number | null;
  energy_kwh: number | null;
  coal_equivalent_tce: number | null;
  coal_equal_tce: number | null;
  emission_direct_tco2e: number | null;
  emission_purchased_tco2e: number | null;
  reading_count: number;
}

export interface Sum extends Measures {
  covered_share: number;
}

export interface CarrierSum {
  carrier: string;
  name_zh: string;
  name_en: string;
  unit: string;
  total: Sum;
}

export interface Intensity {
  value: number | null;
  unit: string;
  reason: string | null;
}

export interface ProductIntensity {
  product: string;
  name_zh: string;
  name_en: string;
  unit: string;
  node: string;
  made: Sum;
  energy: Intensity;
  energy_equal: Intensity;
  electricity: Intensity;
  emission: Intensity;
}

export interface Consumption extends Answer {
  start: string;
  end: string;
  units: Record<string, string>;
  total: Sum | null;
  carriers: CarrierSum[];
  feedstock: Sum | null;
  renewable_power: Sum | null;
  products: ProductIntensity[];
}

export type SeriesKind = "point" | "flow" | "node" | "residual" | "product";
export type Interval = "base" | "hour" | "day" | "month";
export type FlowUnit = "kWh" | "GJ" | "tce" | "tCO2e";

export interface Series {
  kind: SeriesKind;
  code: string;
  carrier: string;
  unit: string;
  is_root: boolean;
}

export interface EnergyRow extends Measures {
  start: string;
  covered_us: number;
}

export interface Energy extends Answer {
  series: Series;
  interval: Interval;
  units: Record<string, string>;
  total: Sum;
  rows: EnergyRow[];
  next_cursor: string | null;
}

export interface FlowNode extends Assessed {
  code: string;
  name_zh: string;
  name_en: string;
  kind: "source" | "conversion" | "bus" | "storage" | "use" | "delivery";
  parent: string | null;
  input_value: number | null;
  output_value: number | null;
  residual_value: number | null;
}

export interface FlowLink extends Assessed {
  code: string;
  name_zh: string | null;
  name_en: string | null;
  source: string;
  target: string;
  carrier: string;
  role: "supply" | "transfer" | "charge" | "discharge" | "return" | "delivery";
  value: number | null;
  derived: boolean;
}

export interface EnergyFlow extends Answer {
  start: string;
  end: string;
  unit: FlowUnit;
  nodes: FlowNode[];
  links: FlowLink[];
}

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

export interface Origin {
  ts: string;
  formula: string;
  code_version: string;
  computed_at: string;
  input_hash: string;
  plant_version: number;
  plant_sha256: string;
  factor_set_id: number;
  factor_set_sha256: string;
}

export interface Provenance extends Answer {
  clauses: string[];
  rows: Origin[];
  factor_sets: { id: number; sha256: string; factors: Record<string, unknown> }[];
  next_cursor: string | null;
}

export interface ParkMemberSum extends Measures {
  member_code: string;
  name_zh: string;
  name_en: string;
  site_code: string;
  time_zone: string;
  carrier: string;
  unit: string;
  start: string;
}

export interface Park {
  as_of: string;
  units: Record<string, string>;
  members: { member_code: string; valid_from: string; valid_to: string | null }[];
  rows: ParkMemberSum[];
  next_cursor: string | null;
}

export interface PlantDocument {
  version: number;
  valid_from: string;
  applied_at: string;
  applied_by: string;
  sha256: string;
  document: Record<string, unknown>;
}

export interface QuantityListed extends Bilingual {
  name: string;
  unit: string;
  aggregation: "sum" | "mean" | "last" | "ratio" | "max";
  sign: string;
  clause: string;
}

export interface CarrierListed extends Bilingual {
  code: string;
  unit: string;
  kind: string;
}

export interface FlagListed extends Bilingual {
  name: string;
  grade: Grade;
}

export interface Nomenclature {
  quantities: QuantityListed[];
  carriers: CarrierListed[];
  flags: FlagListed[];
}

export interface Ready {
  status: "ready";
  as_of: string;
  database: string;
  schema_revision: string;
  last_received_at: string | null;
}
