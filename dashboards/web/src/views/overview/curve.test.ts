import { describe, expect, it } from "vitest";
import type { EnergyRow } from "@/api/types";
import { curveOf } from "./curve";

const QUARTER = 900_000;
const START = Date.parse("2026-03-05T00:00:00Z");

function row(index: number, energy: number | null, coveredMs: number, flags: string[] = []): EnergyRow {
  return {
    start: new Date(START + index * QUARTER).toISOString(),
    covered_us: coveredMs * 1_000,
    energy_kwh: energy,
    amount: null,
    coal_equivalent_tce: null,
    coal_equal_tce: null,
    emission_direct_tco2e: energy === null ? null : energy / 1_000,
    emission_purchased_tco2e: 0,
    reading_count: 1,
    grade: "good",
    flags,
  };
}

describe("the curve of a day", () => {
  const of = { kind: "power" as const, start: START, intervalMs: QUARTER, asOf: START + 4 * QUARTER + 300_000 };
  const rows = [row(0, 25, QUARTER), row(2, 50, QUARTER), row(3, null, 0), row(4, 10, 300_000, ["open"])];

  it("has steps of the mean over what has passed, and gaps where nothing is", () => {
    expect(curveOf(rows, of).ended).toEqual([
      [0, 100], [QUARTER, 100], [2 * QUARTER, null],
      [2 * QUARTER, 200], [3 * QUARTER, 200],
      [3 * QUARTER, null], [4 * QUARTER, null],
    ]);
  });

  it("has the interval that runs apart, at the rate of what has passed of it", () => {
    expect(curveOf(rows, of).open).toEqual([[4 * QUARTER, 120], [5 * QUARTER, 120]]);
  });

  it("can be of emission", () => {
    expect(curveOf([row(0, 25, QUARTER)], { ...of, kind: "emission" }).ended).toEqual([[0, 0.1], [QUARTER, 0.1]]);
  });
});
