import type { Measures, Series, SeriesKind } from "@/api/types";

/** What a series is read in; `tceEqual` is the equal value (等价值). */
export const MEASURES = ["kWh", "GJ", "tce", "tceEqual", "tCO2e", "CNY", "amount"] as const;
export type Measure = (typeof MEASURES)[number];

const GJ_PER_KWH = 0.0036;

/** A result in a measure; null where it, or a part of it, is not known. */
export function valueOf(of: Measures, measure: Measure): number | null {
  switch (measure) {
    case "kWh":
      return of.energy_kwh;
    case "GJ":
      return of.energy_kwh === null ? null : of.energy_kwh * GJ_PER_KWH;
    case "tce":
      return of.coal_equivalent_tce;
    case "tceEqual":
      return of.coal_equal_tce;
    case "tCO2e":
      return emissionOf(of);
    case "CNY":
      return of.cost_cny ?? null;
    case "amount":
      return of.amount;
  }
}

/** Direct and purchased emission together; null where either is not known. [tCO2e] */
function emissionOf({ emission_direct_tco2e: direct, emission_purchased_tco2e: purchased }: Measures): number | null {
  return direct === null || purchased === null ? null : direct + purchased;
}

export function unitOf(measure: Measure, amountUnit: string): string {
  if (measure === "amount") return amountUnit;
  return measure === "tceEqual" ? "tce" : measure;
}

/** The line of the nomenclature that a measure is of. */
export function quantityOf(measure: Measure): string {
  return {
    kWh: "energy_kwh",
    GJ: "energy_kwh",
    tce: "coal_equivalent_tce",
    tceEqual: "coal_equal_tce",
    tCO2e: "emission_total_tco2e",
    CNY: "cost_cny",
    amount: "amount",
  }[measure];
}

/**
 * The measures that a series has: a total over carriers has no amount, what is no carrier has nothing else, and a cost
 * has what a tariff can price: a flow, or the boundary of the site.
 */
export function measuresOf(series: Pick<Series, "kind" | "unit"> & { isRoot?: boolean }): readonly Measure[] {
  if (AMOUNT_ONLY.has(series.kind)) return ["amount"];
  const isPriced = series.kind === "flow" || (series.kind === "node" && series.isRoot === true);
  return MEASURES.filter((measure) => (measure !== "amount" || series.unit !== "") && (measure !== "CNY" || isPriced));
}

const AMOUNT_ONLY: ReadonlySet<SeriesKind> = new Set(["point", "product"]);
