import { describe, expect, it } from "vitest";
import type { Benchmarks, BenchmarkUnit } from "@/api/types";
import type { LiveBenchmark } from "@/live/payload";
import { freshened, hasOtherLevel } from "./freshened";

const unit = {
  code: "boiler",
  value: 90,
  grade: "good",
  gap_tce: 1,
  gap_tco2e: 2,
  level: 3,
  level_end: 3,
  list_level: null,
  list_level_end: null,
  forecast: { value: 91, low: 90, high: 92, confidence: 0.95, step: "day", step_count: 20 },
} as unknown as BenchmarkUnit;
const answer = { is_open: true, units: [unit] } as unknown as Benchmarks;

function live(given: Partial<LiveBenchmark> = {}): LiveBenchmark {
  return {
    code: ["boiler"],
    value: [90.5],
    forecast: [91.5],
    low: [null],
    high: [null],
    level: [3],
    level_end: [3],
    list_level: [null],
    list_level_end: [null],
    gap_tce: [0.5],
    gap_tco2e: [null],
    grade: ["uncertain"],
    ...given,
  };
}

describe("units of an open period", () => {
  it("take the figures of the live event", () => {
    expect(freshened(answer, live())[0]).toMatchObject({ value: 90.5, grade: "uncertain", gap_tce: 0.5, gap_tco2e: null, forecast: { value: 91.5, low: null, step_count: 20 } });
    expect(freshened(answer, null)).toEqual([unit]);
    expect(freshened({ ...answer, is_open: false }, live())).toEqual([unit]);
    expect(freshened(answer, live({ code: ["other"] }))).toEqual([unit]);
  });

  it("are asked for again when a level changes", () => {
    expect(hasOtherLevel(answer, live())).toBe(false);
    expect(hasOtherLevel(answer, live({ level_end: [4] }))).toBe(true);
    expect(hasOtherLevel({ ...answer, is_open: false }, live({ level_end: [4] }))).toBe(false);
  });
});
