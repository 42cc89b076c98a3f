import { describe, expect, it } from "vitest";
import { hourFaults, hoursTemplate, yearRows } from "./hours";

const YEAR = {
  region: "320000",
  year: 2025,
  start: "2024-12-31T16:00:00Z",
  end: "2025-12-31T16:00:00Z",
  hour_count: 8_760,
  lacking_hour_count: 2_190,
  mean_tco2_per_mwh: 0.5,
  sources: ["CEC"],
  stated_at: "2026-01-05T00:00:00Z",
};

describe("hourly factors", () => {
  it("stand in a share of the hours of their year", () => {
    expect(yearRows([YEAR]).map(({ presentCount, share }) => ({ presentCount, share }))).toEqual([{ presentCount: 6_570, share: 0.75 }]);
  });

  it("have an example that the centre reads", () => {
    expect(hoursTemplate(2026).split("\r\n").slice(0, 2)).toEqual(["hour,tco2_per_mwh", "2026-01-01T00:00+08:00,"]);
  });

  it("are refused line by line, in both languages", () => {
    const sent = { pointer: "", line: 4, column: "tco2_per_mwh", value: "480", detail: "divide by 1000", detail_zh: "请除以 1000" };
    expect(hourFaults([sent])).toEqual({
      errors: [{ line: 4, column: "tco2_per_mwh", value: "480", code: "hourly", en: "divide by 1000", zh: "请除以 1000" }],
      rejected: 1,
    });
  });
});
