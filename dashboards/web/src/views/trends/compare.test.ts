import { describe, expect, it } from "vitest";
import { periodOf, type Period, type PeriodChoice, type PeriodRules } from "@/use/period";
import { alignedStarts, comparedBounds, differenceOf, shiftOf, type Comparison } from "./compare";
import { edgesOf } from "./grain";

const HOUR = 3_600_000;
const at = (text: string): number => Date.parse(text);
const utc = (instant: number | null | undefined): string | null => (instant === null || instant === undefined ? null : new Date(instant).toISOString().slice(0, 16));
const china: PeriodRules = { timeZone: "Asia/Shanghai", baseIntervalMs: 900_000, dayStartMs: 0 };
const berlin: PeriodRules = { ...china, timeZone: "Europe/Berlin" };
const now = at("2026-03-31T06:07:00Z"); // 14:07 in China
const period = (choice: PeriodChoice, rules = china, when = now): Period => periodOf(choice, when, rules);

function hours(day: string, rules = berlin): number[] {
  const of = period({ kind: "custom", first: day, last: day }, rules, at("2027-01-01T00:00Z"));
  return edgesOf(of.start, of.end, "hour", rules).slice(0, -1);
}

describe("the other period", () => {
  it.each<[string, PeriodChoice, Comparison, string, string]>([
    ["is yesterday so far, for today", { kind: "today" }, "before", "2026-03-29T16:00", "2026-03-30T06:15"],
    ["is the seven days before", { kind: "week" }, "before", "2026-03-17T16:00", "2026-03-24T06:15"],
    ["is last month so far; a day it lacks ends with the month", { kind: "month" }, "before", "2026-01-31T16:00", "2026-02-28T16:00"],
    ["is the same weekday", { kind: "today" }, "weekday", "2026-03-23T16:00", "2026-03-24T06:15"],
    ["is whole weeks away, without overlap", { kind: "custom", first: "2026-03-01", last: "2026-03-10" }, "weekday", "2026-02-14T16:00", "2026-02-24T16:00"],
    ["is the same days last year", { kind: "today" }, "year", "2025-03-30T16:00", "2025-03-31T06:15"],
  ])("%s", (_name, choice, how, start, end) => {
    const of = period(choice);
    const shift = shiftOf(how, of, "hour", china);
    const other = shift && comparedBounds(of, shift, china);
    expect([utc(other?.start), utc(other?.end)]).toEqual([start, end]);
  });

  it("is not there for the leap day a year before", () => {
    const leap = period({ kind: "custom", first: "2024-02-29", last: "2024-02-29" });
    expect(comparedBounds(leap, { months: 12 }, china)).toBeNull();
  });

  it("is whole months away where months are shown, and has no weekday", () => {
    const of = period({ kind: "custom", first: "2026-01-01", last: "2026-03-31" });
    expect(shiftOf("before", of, "month", china)).toEqual({ months: 3 });
    expect(shiftOf("weekday", of, "month", china)).toBeNull();
    expect(shiftOf("none", of, "hour", china)).toBeNull();
  });

  it("begins at midnight of the wall clock on the other side of a change of clocks", () => {
    const of = period({ kind: "custom", first: "2026-03-30", last: "2026-03-30" }, berlin, at("2026-06-01T00:00Z"));
    const other = comparedBounds(of, { days: 1 }, berlin);
    expect([utc(other?.start), utc(other?.end)]).toEqual(["2026-03-28T23:00", "2026-03-29T22:00"]);
  });
});

describe("intervals laid over each other", () => {
  it("are the same hours of another day", () => {
    const starts = hours("2026-03-05", china);
    expect(alignedStarts(starts, { days: 7 }, china)).toEqual(starts.map((start) => start - 7 * 24 * HOUR));
  });

  it("leave the hour out that was skipped there, and shift nothing after it", () => {
    const aligned = alignedStarts(hours("2026-03-30"), { days: 1 }, berlin).map(utc);
    expect(aligned.slice(0, 5)).toEqual(["2026-03-28T23:00", "2026-03-29T00:00", null, "2026-03-29T01:00", "2026-03-29T02:00"]);
    expect(aligned.at(-1)).toBe("2026-03-29T21:00");
  });

  it("give the hour that happens twice here one partner and not two", () => {
    const aligned = alignedStarts(hours("2026-10-25"), { days: 1 }, berlin);
    expect(aligned.length).toBe(25);
    expect(aligned.filter((start) => start === null).length).toBe(1);
    expect(new Set(aligned).size).toBe(25);
    expect(utc(aligned.at(-1))).toBe("2026-10-24T21:00");
  });

  it("are days of the calendar across a year", () => {
    const starts = edgesOf(at("2024-02-27T16:00Z"), at("2024-03-02T16:00Z"), "day", china).slice(0, -1);
    expect(alignedStarts(starts, { months: 12 }, china).map(utc)).toEqual(["2023-02-27T16:00", null, "2023-02-28T16:00", "2023-03-01T16:00"]);
  });
});

describe("a difference", () => {
  it.each([
    [110, 100, 10, 10],
    [90, -100, 190, 190],
    [5, 0, 5, null],
    [null, 100, null, null],
    [100, null, null, null],
  ])("of %s and %s is %s, %s %%", (value, other, absolute, percent) => {
    expect(differenceOf(value, other)).toEqual({ absolute, percent });
  });
});
