import { describe, expect, it } from "vitest";
import type { TableRow, TableSum } from "@/api/types";
import { sidesOf, stagesOf } from "./table";

function sum(stage: TableSum["stage"], energy_kwh: number | null): TableSum {
  return { stage, energy_kwh, energy_gj: null, coal_equivalent_tce: null, coal_equal_tce: null, emission_tco2e: null, cost_cny: null, unknown_count: 0 };
}

const SUMS = [sum("purchase", 100), sum("conversion", -20), sum("distribution", -5), sum("use", 74), sum("unaccounted", 1)];

describe("the balance table", () => {
  it("has its lines stage by stage, the sum of what is unaccounted last", () => {
    const rows = [{ stage: "use", code: "a" }, { stage: "purchase", code: "b" }] as TableRow[];
    const stages = stagesOf({ rows, sums: SUMS });
    expect(stages.map(({ stage, rows: lines }) => [stage, lines.map(({ code }) => code)])).toEqual([
      ["purchase", ["b"]],
      ["conversion", []],
      ["distribution", []],
      ["use", ["a"]],
      ["unaccounted", []],
    ]);
    expect(stagesOf({ rows: [], sums: [] })).toEqual([]);
  });

  it("has two sides that are the same, or not known", () => {
    expect(sidesOf(SUMS, "energy_kwh")).toEqual({ left: 75, right: 75 });
    expect(sidesOf([...SUMS.slice(0, 3), sum("use", null), sum("unaccounted", 0)], "energy_kwh")).toEqual({ left: 75, right: null });
    expect(sidesOf(SUMS, "cost_cny")).toEqual({ left: null, right: null });
  });
});
