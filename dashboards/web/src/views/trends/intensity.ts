import type { EnergyRow, Measures } from "@/api/types";
import { valueOf } from "./measure";
import type { RowsByStart } from "./slots";

/** What one unit of a product took; `kWh` is all energy, in its calorific value. */
export const INTENSITIES = ["kgce", "kgceEqual", "kgCO2e", "kWh"] as const;
export type IntensityMeasure = (typeof INTENSITIES)[number];

const KG_PER_T = 1_000;

export interface IntensityRow {
  start: number;
  /** Per unit of product; null where either part is not known or nothing was made. */
  value: number | null;
  used: EnergyRow | null;
  made: EnergyRow | null;
}

/** What a node used, in the unit that is told per unit of product [kgce, kgCO2e or kWh]. */
export function usedIn(of: Measures, measure: IntensityMeasure): number | null {
  switch (measure) {
    case "kgce":
      return scaled(of.coal_equivalent_tce, KG_PER_T);
    case "kgceEqual":
      return scaled(of.coal_equal_tce, KG_PER_T);
    case "kgCO2e":
      return scaled(valueOf(of, "tCO2e"), KG_PER_T);
    case "kWh":
      return of.energy_kwh;
  }
}

/** Energy or emission of a node over what it made. A ratio is formed from sums, never from other ratios. */
export function intensityOf(used: number | null, made: number | null): number | null {
  return used === null || made === null || made <= 0 ? null : used / made;
}

export function intensityRows(
  starts: readonly number[],
  node: RowsByStart,
  product: RowsByStart,
  measure: IntensityMeasure,
): IntensityRow[] {
  return starts.map((start) => {
    const [used, made] = [node.get(start) ?? null, product.get(start) ?? null];
    return { start, used, made, value: intensityOf(used && usedIn(used, measure), made && made.amount) };
  });
}

/** "kgce/t" of "kgce" and "t". */
export function intensityUnit(measure: IntensityMeasure, productUnit: string): string {
  return `${measure === "kgceEqual" ? "kgce" : measure}/${productUnit}`;
}

function scaled(value: number | null, by: number): number | null {
  return value === null ? null : value * by;
}
