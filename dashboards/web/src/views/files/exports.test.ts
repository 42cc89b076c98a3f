import { describe, expect, it } from "vitest";
import { requestOf, seriesByKind, type Wish } from "./exports";

const span = { site: "main", start: "2026-03-01T00:00:00Z", end: "2026-03-02T00:00:00Z" };
const wish: Wish = { kind: "readings", of: "", interval: "hour", format: "csv", span };

describe("an export", () => {
  it("of all readings names neither point nor interval", () => {
    expect(requestOf(wish)).toEqual({ path: "/exports/readings", query: { ...span, format: "csv" } });
  });

  it("of a meter or a point names it, whatever is in its code", () => {
    expect(requestOf({ ...wish, of: "meter:M-1" }).query).toEqual({ ...span, format: "csv", meter: "M-1" });
    expect(requestOf({ ...wish, of: "point:line:2" }).query).toEqual({ ...span, format: "csv", point: "line:2" });
  });

  it("of results names the interval, and the series that was chosen", () => {
    const results: Wish = { ...wish, kind: "results", format: "parquet", interval: "day" };
    expect(requestOf(results)).toEqual({ path: "/exports/results", query: { ...span, format: "parquet", interval: "day" } });
    expect(requestOf({ ...results, of: "node:furnace" }).query).toEqual({ ...span, format: "parquet", interval: "day", kind: "node", code: "furnace" });
  });
});

describe("series to choose from", () => {
  it("stand by kind, each code once and in order", () => {
    const series = ([["flow", "b"], ["node", "z"], ["node", "a"], ["node", "a"]] as const).map(([kind, code]) => ({ kind, code, carrier: "x", unit: "kWh", is_root: false }));
    expect([...seriesByKind(series)]).toEqual([
      ["node", ["a", "z"]],
      ["flow", ["b"]],
    ]);
  });
});
