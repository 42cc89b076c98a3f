/** What the centre answers of balances, of carbon followed through a site, and of benchmarks. */
import type { Answer, Assessed } from "./types";

/** The global test of all balances together; null where nothing is redundant. */
export interface BalanceTest {
  degrees_of_freedom: number;
  objective: number | null;
  critical_objective: number | null;
  objective_left: number | null;
  rejects: boolean | null;
  critical_z: number | null;
  level: number;
}

/** Meters of which one contradicts the balances; several cannot be told apart. */
export interface Suspect {
  flows: string[];
  nodes: string[];
  meters: string[];
  z: number;
  bias_kwh: number;
  bias_sigma_kwh: number;
}

export const FLOW_CLASSES = ["redundant", "measured_only", "observable", "unobservable"] as const;
export type FlowClass = (typeof FLOW_CLASSES)[number];

interface Named {
  code: string;
  name_zh: string | null;
  name_en: string | null;
}

export interface BalancedFlow extends Named {
  source: string;
  target: string;
  carrier: string;
  measured_kwh: number | null;
  sigma_kwh: number | null;
  value_kwh: number | null;
  value_sigma_kwh: number | null;
  adjustment_kwh: number | null;
  z: number | null;
  class: FlowClass;
  alike: string[];
  suspect: boolean;
  meters: string[];
  class_assumed: boolean;
}

/** Where what a node took in and did not pass on went to. */
export const NODE_PARTS = ["transformer_loss", "line_loss", "pipe_loss", "conversion_loss", "stock_change", "unmetered", "meters"] as const;
export type NodePart = (typeof NODE_PARTS)[number];

export type BalancedNode = Named & {
  kind: string;
  metered_in_kwh: number;
  metered_out_kwh: number;
  input_kwh: number | null;
  output_kwh: number | null;
  meters_sigma_kwh: number;
  efficiency: number | null;
} & { [Part in NodePart as `${Part}_kwh`]: number | null };

export interface BalanceMessage {
  code: string;
  places: string[];
  text_zh: string;
  text_en: string;
}

export interface Balance extends Answer {
  start: string;
  end: string;
  source: "interval" | "day" | "period";
  formula: string;
  test: BalanceTest;
  flows: BalancedFlow[];
  nodes: BalancedNode[];
  suspects: Suspect[];
  messages: BalanceMessage[];
}

export interface TestedInterval {
  start: string;
  test: BalanceTest;
  suspects: Suspect[];
}

export interface BalanceHistory extends Answer {
  rows: TestedInterval[];
}

export const STAGES = ["purchase", "conversion", "distribution", "use"] as const;
export type Stage = (typeof STAGES)[number];
export type TableBasis = "measured" | "reconciled";

export interface TableFigures {
  energy_kwh: number | null;
  energy_gj: number | null;
  coal_equivalent_tce: number | null;
  coal_equal_tce: number | null;
  emission_tco2e: number | null;
  cost_cny: number | null;
}

export interface TableRow extends TableFigures, Named {
  stage: Stage;
  item: string;
  item_zh: string;
  node: string;
  carrier: string | null;
  amount: number | null;
}

export interface TableSum extends TableFigures {
  stage: Stage | "unaccounted";
  unknown_count: number;
}

export interface KeyLink extends Named {
  kind: string;
  input_kwh: number | null;
  loss_kwh: number | null;
  loss_share: number | null;
  efficiency: number | null;
  reference_efficiency: number | null;
  potential_kwh: number | null;
  potential_tco2e: number | null;
}

export interface BalanceTable extends Answer {
  start: string;
  end: string;
  basis: TableBasis;
  formula: string;
  clause: string;
  rows: TableRow[];
  sums: TableSum[];
  links: KeyLink[];
  cost_reason: string | null;
}

export type CarbonBasis = "location" | "market";
type Column = (number | null)[];

export interface CarbonSource extends Named {
  node: string | null;
  carrier: string | null;
  energy_kwh: number;
  location_tco2e: number | null;
  market_tco2e: number | null;
  location_kgco2e_per_kwh: number | null;
  market_kgco2e_per_kwh: number | null;
  has_market_factor: boolean;
}

export interface CarbonNode extends Named {
  kind: string;
  parent: string | null;
  passing_kwh: number;
  location_tco2e: number | null;
  market_tco2e: number | null;
  location_kgco2e_per_kwh: number | null;
  market_kgco2e_per_kwh: number | null;
  uncertain: boolean;
}

/** Where energy and emission of each source ended; lists in the order of `sources`. */
export interface CarbonEnd {
  code: string;
  kind: "use" | "delivery" | "loss" | "stock";
  energy_kwh: number[];
  location_tco2e: Column;
  market_tco2e: Column;
}

export interface CarbonFlow extends Answer {
  start: string;
  end: string;
  interval_count: number;
  traced_count: number;
  sources: CarbonSource[];
  nodes: CarbonNode[];
  ends: CarbonEnd[];
}

export interface CarbonIntensity extends Answer {
  basis: CarbonBasis;
  starts: string[];
  nodes: Record<string, Column>;
}

export const BENCHMARK_PERIODS = ["day", "shift", "month", "year"] as const;
export type BenchmarkPeriod = (typeof BENCHMARK_PERIODS)[number];

export interface BenchmarkMark {
  mark: string;
  name_zh: string;
  name_en: string;
  value: number;
  limit: string | null;
  is_met: boolean | null;
  is_met_at_end: boolean | null;
  gap_tce: number | null;
  gap_cny: number | null;
  gap_tco2e: number | null;
}

export interface BenchmarkLimit {
  code: string;
  kind: "norm" | "list" | "equipment";
  standard: string;
  title_zh: string;
  product_zh: string;
  product_en: string;
  indicator_zh: string;
  indicator_en: string;
  unit: string;
  levels: (number | null)[];
  valid_from: string | null;
  valid_to: string | null;
  source: string;
  clause: string;
  confidence: string;
  missing_zh: string;
  missing_en: string;
  note: string;
  compared_with: string | null;
  use: "used" | "not_compared" | "not_in_force";
  correction: { parameter: string; reference: number; given: number | null; added: number[] } | null;
}

export interface ClosedPeriod extends Assessed {
  start: string;
  end: string;
  shift: string | null;
  value: number | null;
  reason: string | null;
  covered_share: number;
  level: number | null;
  list_level: number | null;
  target: number | null;
}

export interface BenchmarkForecast {
  value: number | null;
  low: number | null;
  high: number | null;
  confidence: number;
  step: string;
  step_count: number;
}

export interface BenchmarkUnit extends Assessed {
  code: string;
  name_zh: string;
  name_en: string;
  kind: "product" | "process" | "equipment";
  unit: string;
  more_is_better: boolean;
  value: number | null;
  reason: string | null;
  covered_share: number;
  energy: number | null;
  energy_unit: string;
  output: number | null;
  output_unit: string;
  forecast: BenchmarkForecast;
  level: number | null;
  level_zh: string | null;
  level_en: string | null;
  level_end: number | null;
  level_end_zh: string | null;
  level_end_en: string | null;
  list_level: number | null;
  list_level_zh: string | null;
  list_level_en: string | null;
  list_level_end: number | null;
  list_level_end_zh: string | null;
  list_level_end_en: string | null;
  aim: string | null;
  gap_tce: number | null;
  gap_cny: number | null;
  gap_tco2e: number | null;
  rank: number;
  marks: BenchmarkMark[];
  limits: BenchmarkLimit[];
  target: { value: number; valid_from: string; valid_to: string | null; source: string } | null;
  own_best: { value: number; start: string; end: string } | null;
  history: ClosedPeriod[];
}

export interface Benchmarks extends Answer {
  period: BenchmarkPeriod;
  start: string;
  end: string;
  shift: string | null;
  is_open: boolean;
  passed_share: number;
  method: string;
  units: BenchmarkUnit[];
}
