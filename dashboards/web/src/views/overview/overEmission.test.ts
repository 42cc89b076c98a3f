import { describe, expect, it } from "vitest";
import type { EnergyRow } from "@/api/types";
import { emissionRate, overEmission } from "./overEmission";

const MINUTE = 60_000;
const QUARTER = 15 * MINUTE;
const DAY = 86_400_000;
const RUNNING = Date.parse("2026-03-05T06:00:00Z");

/** A quarter of an hour with a mean rate [tCO2e/h] over so many minutes, which are covered. */
function row(start: number, rate: number | null, coveredMin = 15): EnergyRow {
  const emission = rate === null ? null : (rate * coveredMin) / 60;
  return {
    start: new Date(start).toISOString(),
    covered_us: coveredMin * MINUTE * 1_000,
    amount: null,
    energy_kwh: null,
    coal_equivalent_tce: null,
    coal_equal_tce: null,
    emission_direct_tco2e: emission,
    emission_purchased_tco2e: emission === null ? null : 0,
    reading_count: 1,
    grade: "good",
    flags: [],
  };
}

const daysBefore = (start: number, rates: (number | null)[]): EnergyRow[] =>
  rates.map((rate, index) => row(start - (index + 1) * DAY, rate));
const now = RUNNING + 5 * MINUTE;

describe("over-emission", () => {
  it.each<[string, EnergyRow[], boolean]>([
    ["is said above 1.2 times the usual", [row(RUNNING, 4.81, 5), ...daysBefore(RUNNING, [4, 4, 4])], true],
    ["is not said below 1.2 times", [row(RUNNING, 4.79, 5), ...daysBefore(RUNNING, [4, 4, 4])], false],
    ["is not said below the highest of the days", [row(RUNNING, 8, 5), ...daysBefore(RUNNING, [1, 1, 9])], false],
    ["is not said of one day", [row(RUNNING, 40, 5), ...daysBefore(RUNNING, [4])], false],
    ["is not said higher because little is covered", [{ ...row(RUNNING, 4.5, 5), covered_us: 1 }, ...daysBefore(RUNNING, [4, 4])], false],
    ["is not said of what is not known", [row(RUNNING, null, 5), ...daysBefore(RUNNING, [4, 4])], false],
    ["does not count days that are not known", [row(RUNNING, 40, 5), ...daysBefore(RUNNING, [4, null, null])], false],
    [
      "does not count days of which little is covered",
      [row(RUNNING, 40, 5), row(RUNNING - DAY, 4), row(RUNNING - 2 * DAY, 4, 7)],
      false,
    ],
    [
      "is said of the interval that has just ended",
      [row(RUNNING - QUARTER, 8), ...daysBefore(RUNNING - QUARTER, [4, 4])],
      true,
    ],
    [
      "is over when the interval that runs is as usual",
      [row(RUNNING - QUARTER, 8), ...daysBefore(RUNNING - QUARTER, [4, 4]), row(RUNNING, 4, 5), ...daysBefore(RUNNING, [4, 4])],
      false,
    ],
    ["is not said without results", [], false],
  ])("%s", (_name, rows, isSaid) => {
    expect(overEmission(rows, now, QUARTER) !== null).toBe(isSaid);
  });

  it("says by how much, against what", () => {
    const rows = [row(RUNNING, 9, 5), ...daysBefore(RUNNING, [4, 5, 6])];
    const found = overEmission(rows, now, QUARTER);
    expect(found).toMatchObject({ start: RUNNING, highest: 6, dayCount: 3 });
    expect(found?.rate).toBeCloseTo(9, 9);
    expect(found?.usual).toBeCloseTo(5, 9);
  });

  it("waits until three minutes have passed, and meanwhile judges the interval before", () => {
    const rows = [row(RUNNING, 40, 2), ...daysBefore(RUNNING, [4, 4])];
    expect(overEmission(rows, RUNNING + 2.9 * MINUTE, QUARTER)).toBeNull();
    expect(overEmission(rows, RUNNING + 3 * MINUTE, QUARTER)?.start).toBe(RUNNING);
    const before = [row(RUNNING - QUARTER, 40), ...daysBefore(RUNNING - QUARTER, [4, 4])];
    expect(overEmission([...rows, ...before], RUNNING + MINUTE, QUARTER)?.start).toBe(RUNNING - QUARTER);
  });

  it("takes the rate of what has passed", () => {
    expect(emissionRate(row(RUNNING, 6, 5), QUARTER, now)).toBeCloseTo(6, 9);
    expect(emissionRate(row(RUNNING, 6), QUARTER, RUNNING + DAY)).toBeCloseTo(6, 9);
    expect(emissionRate(row(RUNNING, 6), QUARTER, RUNNING)).toBeNull();
  });
});
