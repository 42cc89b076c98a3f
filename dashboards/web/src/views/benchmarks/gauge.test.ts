import { describe, expect, it } from "vitest";
import type { BenchmarkMark, BenchmarkUnit } from "@/api/types";
import { gaugeOf } from "./gauge";

type Given = Pick<BenchmarkUnit, "value" | "forecast" | "marks" | "more_is_better">;

function mark(name: string, value: number): BenchmarkMark {
  return { mark: name, value, name_zh: name, name_en: name, limit: null, is_met: null, is_met_at_end: null, gap_tce: null, gap_cny: null, gap_tco2e: null };
}

function unit(given: Partial<Given> = {}): Given {
  const forecast = { value: 93, low: 92, high: 94, confidence: 0.95, step: "day", step_count: 30 };
  return { value: 93.5, forecast, marks: [mark("level_1", 96), mark("level_2", 94), mark("level_3", 92)], more_is_better: true, ...given };
}

describe("a gauge", () => {
  it("puts all within and in order", () => {
    const gauge = gaugeOf(unit());
    expect(gauge?.marks.map(({ mark: name }) => name)).toEqual(["level_3", "level_2", "level_1"]);
    const all = [...(gauge?.marks ?? []).map(({ at }) => at), gauge?.value ?? -1, gauge?.forecast?.low ?? -1, gauge?.forecast?.high ?? -1];
    expect(all.every((at) => at > 0 && at < 1)).toBe(true);
    expect(gauge?.value).toBeCloseTo((93.5 - 91.68) / (96.32 - 91.68), 9);
  });

  it("has its best zone on the right where more is better, and on the left where less is", () => {
    expect(gaugeOf(unit())?.zones.map(({ badness }) => badness)).toEqual([1, 2 / 3, 1 / 3, 0]);
    const less = gaugeOf(unit({ more_is_better: false, marks: [mark("benchmark", 90), mark("baseline", 95)] }));
    expect(less?.zones.map(({ badness }) => badness)).toEqual([0, 0.5, 1]);
    const zones = less?.zones ?? [];
    expect([zones[0]?.from, zones.at(-1)?.to]).toEqual([0, 1]);
    zones.slice(1).forEach((zone, index) => expect(zone.from).toBe(zones[index]?.to));
  });

  it("cuts off an interval that is much wider than all else", () => {
    const forecast = { value: 93, low: -400, high: 600, confidence: 0.95, step: "hour", step_count: 9 };
    const gauge = gaugeOf(unit({ forecast }));
    expect(gauge?.forecast).toMatchObject({ low: 0, high: 1 });
    expect(gauge && gauge.high - gauge.low).toBeLessThan(20);
  });

  it("keeps labels apart", () => {
    const gauge = gaugeOf(unit({ marks: [mark("target", 93.5), mark("own_best", 93.51), mark("level_1", 99)] }));
    const rows = new Map(gauge?.marks.map(({ mark: name, row }) => [name, row]));
    expect(rows.get("target")).not.toBe(rows.get("own_best"));
  });

  it("is none where nothing is known", () => {
    const forecast = { value: null, low: null, high: null, confidence: 0.95, step: "day", step_count: 0 };
    expect(gaugeOf(unit({ value: null, forecast, marks: [] }))).toBeNull();
  });
});
