import { STAGES, type BalanceTable, type TableFigures, type TableRow, type TableSum } from "@/api/types";

export const TABLE_UNITS = ["energy_kwh", "energy_gj", "coal_equivalent_tce", "coal_equal_tce", "emission_tco2e", "cost_cny"] as const;
export type TableUnit = (typeof TABLE_UNITS)[number];

/** What a number of a column is written in. */
export const UNIT_OF: Record<TableUnit, string> = {
  energy_kwh: "kWh",
  energy_gj: "GJ",
  coal_equivalent_tce: "tce",
  coal_equal_tce: "tce",
  emission_tco2e: "tCO2e",
  cost_cny: "CNY",
};

/** The line of the nomenclature that a column is of. */
export const QUANTITY_OF: Record<TableUnit, string> = {
  energy_kwh: "energy_kwh",
  energy_gj: "energy_kwh",
  coal_equivalent_tce: "coal_equivalent_tce",
  coal_equal_tce: "coal_equal_tce",
  emission_tco2e: "emission_total_tco2e",
  cost_cny: "cost_cny",
};

export interface StageLines {
  stage: TableSum["stage"];
  rows: TableRow[];
  sum: TableSum | null;
}

/** Lines stage by stage, each with its sum; what is unaccounted has a sum alone. */
export function stagesOf({ rows, sums }: Pick<BalanceTable, "rows" | "sums">): StageLines[] {
  return [...STAGES, "unaccounted" as const]
    .map((stage) => ({ stage, rows: rows.filter((row) => row.stage === stage), sum: sums.find((sum) => sum.stage === stage) ?? null }))
    .filter((lines) => lines.rows.length > 0 || lines.sum !== null);
}

/** Both sides of the table: what was brought and left over, and what was used or is unaccounted; null where a part is not known. */
export function sidesOf(sums: readonly TableSum[], unit: keyof TableFigures): { left: number | null; right: number | null } {
  const added = (stages: readonly TableSum["stage"][]): number | null => {
    let all = 0;
    for (const stage of stages) {
      const value = sums.find((sum) => sum.stage === stage)?.[unit] ?? null;
      if (value === null) return null;
      all += value;
    }
    return all;
  };
  return { left: added(["purchase", "conversion", "distribution"]), right: added(["use", "unaccounted"]) };
}
