import { describe, expect, it } from "vitest";
import type { Interval } from "@/api/types";
import type { PeriodRules } from "@/use/period";
import { edgesOf, intervalsFor, usualInterval } from "./grain";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const at = (text: string): number => Date.parse(text);
const utc = (instant: number | undefined): string => new Date(instant ?? Number.NaN).toISOString().slice(0, 16);
const china: PeriodRules = { timeZone: "Asia/Shanghai", baseIntervalMs: 900_000, dayStartMs: 0 };
const shifted: PeriodRules = { ...china, dayStartMs: 8 * HOUR };
const berlin: PeriodRules = { ...china, timeZone: "Europe/Berlin" };
const howe: PeriodRules = { ...china, timeZone: "Australia/Lord_Howe" };
const india: PeriodRules = { ...china, timeZone: "Asia/Kolkata" };

describe("edges of intervals", () => {
  it.each<[string, Interval, PeriodRules, string, string, string, string, number]>([
    ["are those of the base interval", "base", china, "2026-03-05T06:00Z", "2026-03-05T07:00Z", "2026-03-05T06:00", "2026-03-05T07:00", 4],
    ["go out to full hours", "hour", china, "2026-03-05T06:00Z", "2026-03-05T07:15Z", "2026-03-05T06:00", "2026-03-05T08:00", 2],
    ["are full hours of the wall clock", "hour", india, "2026-03-05T06:30Z", "2026-03-05T08:00Z", "2026-03-05T06:30", "2026-03-05T08:30", 2],
    ["go out to whole days", "day", china, "2026-03-04T16:00Z", "2026-03-05T07:15Z", "2026-03-04T16:00", "2026-03-05T16:00", 1],
    ["are days that begin at eight", "day", shifted, "2026-03-05T07:00Z", "2026-03-05T07:15Z", "2026-03-05T00:00", "2026-03-06T00:00", 1],
    ["go out to whole months", "month", china, "2026-01-14T16:00Z", "2026-03-05T07:15Z", "2025-12-31T16:00", "2026-03-31T16:00", 3],
    ["are 23 hours where clocks go forward", "hour", berlin, "2026-03-28T23:00Z", "2026-03-29T22:00Z", "2026-03-28T23:00", "2026-03-29T22:00", 23],
    ["are 25 hours where clocks go back", "hour", berlin, "2026-10-24T22:00Z", "2026-10-25T23:00Z", "2026-10-24T22:00", "2026-10-25T23:00", 25],
    ["have half an hour at the half-hour change", "hour", howe, "2026-04-04T14:00Z", "2026-04-04T16:30Z", "2026-04-04T14:00", "2026-04-04T16:30", 3],
  ])("%s", (_name, interval, rules, start, end, first, last, count) => {
    const edges = edgesOf(at(start), at(end), interval, rules);
    expect([utc(edges[0]), utc(edges.at(-1)), edges.length - 1]).toEqual([first, last, count]);
    expect(edges).toEqual(edges.toSorted((one, other) => one - other));
  });

  it("are a year of hours in a moment, without one doubled or left out", () => {
    const edges = edgesOf(at("2025-12-31T23:00Z"), at("2026-12-31T23:00Z"), "hour", berlin);
    expect(edges.length - 1).toBe(8_760);
    expect(new Set(edges.slice(1).map((edge, index) => edge - (edges[index] ?? 0)))).toEqual(new Set([HOUR]));
  });
});

describe("an interval", () => {
  it("is offered where a chart can hold it", () => {
    expect(intervalsFor(DAY, china)).toEqual(["base", "hour", "day", "month"]);
    expect(intervalsFor(366 * DAY, china)).toEqual(["hour", "day", "month"]);
    expect(intervalsFor(3_660 * DAY, china)).toEqual(["day", "month"]);
  });

  it("suits the length of the period", () => {
    expect([1, 7, 31, 365].map((days) => usualInterval(days * DAY))).toEqual(["hour", "hour", "day", "month"]);
  });
});
