import type { Grade } from "@/api/types";

/** What the open interval of a site holds, once a second. Columns of a table have one length; null is not known. */
export interface LivePayload {
  window_start: string;
  window_end: string;
  interval_start: string;
  interval_end: string;
  day_start: string;
  newest_reading: string | null;
  services: { ingest: boolean };
  flow: LiveFlow;
  node: LiveNode;
  product: LiveProduct;
  interval: LiveSum;
  day: LiveSum;
  members: LiveMember[] | null;
  /** Null where the plant has no balances, or nothing is known. */
  balance?: LiveBalance | null;
  carbon?: LiveCarbon | null;
  benchmark?: Record<"day" | "month", LiveBenchmark> | null;
}

type Column = (number | null)[];

/** Rates along each flow's direction over the trailing window. */
export interface LiveFlow {
  code: string[];
  carrier: string[];
  amount_per_h: Column;
  power_kw: Column;
  coal_equivalent_kgce_per_h: Column;
  emission_kgco2e_per_h: Column;
  grade: Grade[];
  derived: boolean[];
}

/** Rates of every boundary node; the root has the totals of the plant. */
export interface LiveNode {
  code: string[];
  power_kw: Column;
  coal_equivalent_kgce_per_h: Column;
  emission_kgco2e_per_h: Column;
  intensity_kgco2e_per_kwh: Column;
  grade: Grade[];
}

export interface LiveProduct {
  code: string[];
  unit: string[];
  amount_per_h: Column;
  intensity_kgce_per_unit: Column;
  intensity_kgco2e_per_unit: Column;
  grade: Grade[];
}

/** The balance of the rates of the window: who contradicts it. */
export interface LiveBalance {
  flow: { code: string[]; suspect: boolean[] };
}

/** Intensity of what leaves each node. */
export interface LiveCarbon {
  node: { code: string[]; location_kgco2e_per_kwh: Column; market_kgco2e_per_kwh: Column };
}

/** Where units to benchmark stand in the open period. */
export interface LiveBenchmark {
  code: string[];
  value: Column;
  forecast: Column;
  low: Column;
  high: Column;
  level: Column;
  level_end: Column;
  list_level: Column;
  list_level_end: Column;
  gap_tce: Column;
  gap_tco2e: Column;
  grade: Grade[];
}

export interface LiveSum {
  energy_kwh: number | null;
  coal_equivalent_tce: number | null;
  coal_equal_tce: number | null;
  emission_tco2e: number | null;
  covered_share: number;
  grade: Grade;
}

export interface LiveMember {
  member_code: string;
  name_zh: string;
  name_en: string;
  site_code: string;
  day: LiveSum;
}

export interface LiveAnswer {
  as_of: string;
  time_zone: string;
  at: string | null;
  site: string;
  payload: LivePayload | null;
}

export interface LiveEvent {
  at: string;
  site: string;
  payload: LivePayload;
}

/** Results in a span changed. */
export interface ResultsSpan {
  site: string;
  start: string;
  end: string;
}
