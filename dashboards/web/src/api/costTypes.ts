/** What the centre answers of prices and bills. */
import type { Answer, Bilingual, CostReason } from "./types";

export interface TariffBand {
  code: string;
  name: Bilingual;
  /** [CNY per unit of the tariff] */
  price: number;
}

export interface TariffSeason {
  name: Bilingual;
  /** "MM-DD", both inclusive; `to` may lie in the next year. */
  from: string;
  to: string;
  workday: string;
  weekend?: string;
  holiday?: string;
}

export interface SpecialDays {
  from: string;
  to: string;
  kind: "holiday" | "workday";
  name: Bilingual;
}

/** A version of a tariff as it was stated. */
export interface TariffDocument {
  valid_from: string;
  source: string;
  unit: string;
  bands: TariffBand[];
  days?: { code: string; times: { from: string; to: string; band: string }[] }[];
  seasons?: TariffSeason[];
  special_days?: SpecialDays[];
  steps?: { per: "month" | "year"; levels: { above: number; add: number }[] };
  basic?: { method: "demand" | "contract" | "capacity"; price: number; agreed?: number; window_minutes?: number };
}

export interface TariffStated {
  /** "flow/CODE" or "carrier/CODE". */
  target: string;
  valid_from: string;
  revision: number;
  holds: boolean;
  stated_at: string;
  stated_by: string;
  document: TariffDocument | null;
}

export interface Tariffs extends Answer {
  tariffs: TariffStated[];
}

export interface BillLine {
  kind: "band" | "step" | "basic";
  code: string;
  name_zh: string;
  name_en: string;
  valid_from: string;
  quantity: number | null;
  unit: string;
  share: number;
  price: number;
  cny: number | null;
}

export interface BillMonth {
  start: string;
  end: string;
  is_open: boolean;
  lines: BillLine[];
  total_cny: number | null;
  power_kw_max: number | null;
  power_at: string | null;
  known_share: number;
}

export interface BillContract {
  target: string;
  carrier: string;
  flows: string[];
  months: BillMonth[];
}

export interface Bill extends Answer {
  reason: CostReason | null;
  contracts: BillContract[];
  without_tariff: string[];
}
