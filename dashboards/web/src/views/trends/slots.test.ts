import { describe, expect, it } from "vitest";
import type { EnergyRow, Grade } from "@/api/types";
import type { Mark } from "@/charts/trend";
import { intensityOf, intensityRows, intensityUnit, usedIn } from "./intensity";
import { measuresOf, quantityOf, unitOf, valueOf } from "./measure";
import { byStart, joined, markOf, touchedEdges, valuesOf, withSpan } from "./slots";

const HOUR = 3_600_000;

function row(hour: number, given: Partial<EnergyRow> = {}): EnergyRow {
  return {
    start: new Date(hour * HOUR).toISOString(),
    covered_us: 3_600_000_000,
    reading_count: 60,
    grade: "good",
    flags: [],
    amount: 2,
    energy_kwh: 1_000,
    coal_equivalent_tce: 0.1229,
    coal_equal_tce: 0.3,
    emission_direct_tco2e: 0.25,
    emission_purchased_tco2e: 0.5,
    ...given,
  };
}

describe("values of intervals", () => {
  it("are null where there is no row and where the row has none: a gap is not bridged and not 0", () => {
    const rows = byStart([row(0), row(2, { energy_kwh: null }), row(3, { energy_kwh: 0 })]);
    expect(valuesOf([0, HOUR, 2 * HOUR, 3 * HOUR, null], rows, (of) => of.energy_kwh)).toEqual([1_000, null, null, 0, null]);
  });

  it("of a span are replaced by newer ones, and what the newer answer lacks is gone", () => {
    const newer = withSpan(byStart([row(0), row(1), row(2), row(3)]), { start: HOUR, end: 3 * HOUR }, [row(2, { energy_kwh: 7 })]);
    expect(valuesOf([0, HOUR, 2 * HOUR, 3 * HOUR], newer, (of) => of.energy_kwh)).toEqual([1_000, null, 7, 1_000]);
  });
});

describe("a mark", () => {
  it.each<[string, EnergyRow | undefined, number, Mark]>([
    ["says nothing of a good interval", row(0), 2, "good"],
    ["is open while the interval runs, whatever it holds", row(0, { grade: "uncertain", flags: ["open", "partial"] }), 0.5, "open"],
    ["is missing without a row", undefined, 2, "missing"],
    ["is missing without a reading", row(0, { grade: "bad", flags: ["missing"] }), 2, "missing"],
    ["is bad where a value is withheld", row(0, { grade: "bad", flags: ["spike", "partial"] }), 2, "bad"],
    ["is estimated where a gap was bridged", row(0, { grade: "uncertain", flags: ["interpolated"] }), 2, "estimated"],
    ["is uncertain where more is to be said", row(0, { grade: "uncertain", flags: ["interpolated", "partial"] }), 2, "uncertain"],
  ])("%s", (_name, of, hours, mark) => {
    expect(markOf(of, HOUR, hours * HOUR)).toBe(mark);
  });
});

describe("what is read anew", () => {
  const edges = [0, 1, 2, 3, 4].map((hour) => hour * HOUR);
  it.each<[string, number, number, [number, number] | null]>([
    ["is the interval that a span lies in", 1.25, 1.5, [1, 2]],
    ["is every interval that it touches", 1.5, 2.25, [1, 3]],
    ["is nothing before", -2, 0, null],
    ["is nothing after", 4, 5, null],
    ["is all where the span is longer", -3, 9, [0, 4]],
  ])("%s", (_name, start, end, found) => {
    expect(touchedEdges(edges, { start: start * HOUR, end: end * HOUR })).toEqual(found && { start: found[0] * HOUR, end: found[1] * HOUR });
  });

  it("is one span for several changes", () => {
    expect(joined(joined(null, { start: 5, end: 6 }), { start: 1, end: 2 })).toEqual({ start: 1, end: 6 });
  });
});

describe("a measure", () => {
  it("is read from the result, with its unit and its line of the nomenclature", () => {
    expect(valueOf(row(0), "GJ")).toBeCloseTo(3.6, 12);
    expect(valueOf(row(0), "tCO2e")).toBe(0.75);
    expect(valueOf(row(0, { emission_purchased_tco2e: null }), "tCO2e")).toBeNull();
    expect([unitOf("tceEqual", ""), quantityOf("tceEqual")]).toEqual(["tce", "coal_equal_tce"]);
    expect(unitOf("amount", "Nm3")).toBe("Nm3");
    expect([valueOf(row(0, { cost_cny: -3 }), "CNY"), valueOf(row(0), "CNY")]).toEqual([-3, null]);
  });

  it("is offered only where the series has it", () => {
    expect(measuresOf({ kind: "point", unit: "kWh" })).toEqual(["amount"]);
    expect(measuresOf({ kind: "node", unit: "" })).not.toContain("amount");
    expect(measuresOf({ kind: "flow", unit: "kWh" })).toEqual(expect.arrayContaining(["amount", "CNY"]));
    expect(measuresOf({ kind: "node", unit: "" })).not.toContain("CNY");
    expect(measuresOf({ kind: "node", unit: "", isRoot: true })).toContain("CNY");
  });
});

describe("an intensity", () => {
  it("is what was used over what was made, per unit of the product", () => {
    expect(intensityOf(usedIn(row(0), "kgce"), 2)).toBeCloseTo(61.45, 9);
    expect(intensityOf(usedIn(row(0), "kgCO2e"), 2)).toBe(375);
    expect([intensityUnit("kgceEqual", "t"), intensityUnit("kgCO2e", "piece")]).toEqual(["kgce/t", "kgCO2e/piece"]);
  });

  it.each([
    ["nothing was made", 10, 0],
    ["what was made is not known", 10, null],
    ["what was used is not known", null, 10],
  ])("is not known where %s", (_name, used, made) => {
    expect(intensityOf(used, made)).toBeNull();
  });

  it("is one a day, null on a day without product", () => {
    const rows = intensityRows([0, HOUR], byStart([row(0), row(1)]), byStart([row(0, { amount: 4 })]), "kWh");
    expect(rows.map((found) => found.value)).toEqual([250, null]);
  });

  it("of a bad row is as good as that row says", () => {
    const grade: Grade = "bad";
    expect(intensityRows([0], byStart([row(0, { grade })]), byStart([row(0)]), "kgce")[0]?.used?.grade).toBe("bad");
  });
});
