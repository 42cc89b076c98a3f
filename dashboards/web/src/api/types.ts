/** What the centre answers, as far as the page uses it. Instants are RFC 3339 texts; null is missing or invalid, never 0. */
export * from "./alertTypes";
export * from "./analysisTypes";
export * from "./costTypes";
export * from "./fileTypes";
export * from "./meterTypes";

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
  /** Only of what a tariff prices: flows, and the boundary of the site. */
  cost_cny?: number | null;
}

export type CostReason = "no_tariff" | "not_priced" | "priced_together" | "period_too_long" | "nothing_known";

/** What something cost over a period, or why that is not known. */
export interface CostSum {
  cost_cny: number | null;
  reason: CostReason | null;
  known_share: number;
  /** Flows that enter the site and have no price: they are not counted. */
  without_tariff: string[];
  tariffs: { target: string; valid_from: string; revision: number; sha256: string; source: string }[];
  method: string;
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
  cost: CostSum;
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
  cost: CostSum;
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
