import { describe, expect, it } from "vitest";
import type { EnergyRow } from "@/api/types";
import { curveOf, spanAround, valuesOf, type Curve } from "./curve";

const row = (start: string, energy_kwh: number | null): EnergyRow => ({ start, energy_kwh, emission_direct_tco2e: 1, emission_purchased_tco2e: 2 }) as EnergyRow;
const rows = [row("2026-01-01T00:00:00Z", 5), row("2026-01-01T00:15:00Z", null), row("2026-01-01T00:30:00Z", 7)];

describe("the curve of a value", () => {
  it("is a rate of each interval", () => {
    expect(valuesOf(rows, curveOf("kW") as Curve, 0.25).map(([, value]) => value)).toEqual([20, null, 28]);
    expect(valuesOf(rows, curveOf("tCO2e/h") as Curve, 0.25)[0]?.[1]).toBe(12);
  });

  it("is what has come so far, unless a part is missing", () => {
    expect(valuesOf(rows, curveOf("kWh") as Curve, 0.25)).toEqual([
      [Date.parse("2026-01-01T00:15:00Z"), 5],
      [Date.parse("2026-01-01T00:30:00Z"), null],
      [Date.parse("2026-01-01T00:45:00Z"), null],
    ]);
  });

  it("is none of a unit that results do not have", () => expect(curveOf("s")).toBeNull());
});

describe("the span around an alert", () => {
  it("lies on edges and has a length", () => {
    const [edge, hour] = [900_000, 3_600_000];
    expect(spanAround(10 * hour + 5, 11 * hour + 5, edge)).toEqual({ start: 4 * hour, end: 11 * hour + edge });
    expect(spanAround(10 * hour, 500 * hour, edge).end).toBe(40 * hour);
  });
});
