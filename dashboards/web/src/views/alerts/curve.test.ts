import { describe, expect, it } from "vitest";
import type { Alert, AlertHeadline, EnergyRow } from "@/api/types";
import { boundsOf, partsOf, plotOf, quotientsOf, ratesOf, spanAround, sumsOf, type Plot } from "./curve";

const row = (start: string, energy_kwh: number | null): EnergyRow => ({ start, energy_kwh, emission_direct_tco2e: 1, emission_purchased_tco2e: 2 }) as EnergyRow;
const rows = [row("2026-01-01T00:00:00Z", 5), row("2026-01-01T00:15:00Z", null), row("2026-01-01T00:30:00Z", 7)];
const [quarter, hour, day] = [900_000, 3_600_000, 86_400_000];
const of = (measure: string, period: AlertHeadline["period"]): AlertHeadline => ({ measure, period, function: "value" });
const kWh = (each: EnergyRow): number | null => each.energy_kwh;
const alert = (unit: string, labels: Record<string, string> = {}): Alert => ({ unit, labels }) as Alert;
const plot = (period: AlertHeadline["period"]): Plot => plotOf(alert("tCO2e"), of("emission_tco2e", period)) as Plot;

describe("the curve of a value", () => {
  it("is a rate of each interval", () => expect(ratesOf(rows, kWh, quarter).map(([, value]) => value)).toEqual([20, null, 28]));

  it("is what has come so far; what is missing adds nothing", () => {
    expect(sumsOf(rows, kWh, quarter)).toEqual([
      [Date.parse("2026-01-01T00:15:00Z"), 5],
      [Date.parse("2026-01-01T00:30:00Z"), null],
      [Date.parse("2026-01-01T00:45:00Z"), 12],
    ]);
  });

  it("is a quotient where both are known", () => {
    const made = [row("2026-01-01T00:00:00Z", 2), row("2026-01-01T00:15:00Z", 1), row("2026-01-01T00:30:00Z", 0)];
    expect(quotientsOf(partsOf(rows, kWh), partsOf(made, kWh)).map(([, value]) => value)).toEqual([2.5, null, null]);
  });
});

describe("what is drawn of an alert", () => {
  it.each([
    ["kW", {}, of("power_kw", "live"), "rate", "site"],
    ["tCO2e", {}, of("emission_tco2e", "month"), "sum", "site"],
    ["kWh", { node: "n" }, of("energy_kwh", "hour"), "part", { node: "n" }],
    ["kW", { flow: "f" }, of("demand_kw", "interval"), "rate", { flow: "f" }],
  ] as const)("%s of %j is a %s", (unit, labels, headline, kind, place) => expect(plotOf(alert(unit, labels), headline)).toMatchObject({ kind, of: place }));

  it("is readings of a point, and a quotient of a product", () => {
    expect(plotOf(alert("min", { point: "P" }), of("silent_s", "live"))).toEqual({ kind: "readings", point: "P" });
    expect(plotOf(alert("kgCO2e/t", { product: "steel" }), of("intensity_kgco2e_per_unit", "day"))).toMatchObject({ kind: "ratio", product: "steel" });
  });

  it("is nothing where results do not say it", () => {
    expect(plotOf(alert("s"), of("ingest_lag_s", "live"))).toBeNull();
    expect(plotOf(alert("1", { unit: "u" }), of("benchmark_level", "month"))).toBeNull();
    expect(plotOf(alert("t", { product: "steel" }), of("product_amount", "day"))).toBeNull();
    expect(plotOf(alert("kW"), null)).toBeNull();
  });

  it("is of the quantity that the rule asks for", () => {
    const direct = plotOf(alert("tCO2e"), of("emission_direct_tco2e", "day")) as Plot & { kind: "sum" };
    expect(direct.value(rows[0] as EnergyRow)).toBe(1);
  });
});

describe("the span around an alert", () => {
  const rules = { timeZone: "UTC", baseIntervalMs: quarter, dayStartMs: 0 };
  const at = Date.parse("2026-03-10T10:00:00Z");

  it("lies on edges and has a length", () => {
    expect(spanAround(10 * hour + 5, 11 * hour + 5, quarter)).toEqual({ start: 4 * hour, end: 11 * hour + quarter });
    expect(spanAround(10 * hour, 500 * hour, quarter).end).toBe(40 * hour);
  });

  it.each([
    ["day", "2026-03-10T00:00:00Z", "2026-03-11T00:00:00Z", "base"],
    ["month", "2026-03-01T00:00:00Z", "2026-03-12T00:00:00Z", "hour"],
    ["year", "2026-01-01T00:00:00Z", "2026-03-12T00:00:00Z", "day"],
  ] as const)("is the %s of the rule, as far as it has come", (period, start, end, interval) => {
    expect(boundsOf(plot(period), at, at + day, rules)).toEqual({ start: Date.parse(start), end: Date.parse(end), interval });
  });

  it("ends with the period", () => expect(boundsOf(plot("month"), at, at + 90 * day, rules).end).toBe(Date.parse("2026-04-01T00:00:00Z")));
  it("is around the moment of a rate", () => expect(boundsOf(plot("hour"), at, at, rules)).toEqual({ start: at - 6 * hour, end: at, interval: "base" }));
});
