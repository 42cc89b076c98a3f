import { describe, expect, it } from "vitest";
import type { PeriodRules } from "@/use/period";
import { differenceOf, isCovered, stretchesOf } from "./compare";

const china: PeriodRules = { timeZone: "Asia/Shanghai", baseIntervalMs: 900_000, dayStartMs: 0 };
const shifted: PeriodRules = { ...china, dayStartMs: 8 * 3_600_000 };
const berlin: PeriodRules = { ...china, timeZone: "Europe/Berlin" };
const utc = (at: number): string => new Date(at).toISOString().slice(0, 16);
const texts = (now: string, rules: PeriodRules): string[] => {
  const { today, ended, yesterday } = stretchesOf(Date.parse(now), rules);
  return [today.start, ended.end, today.end, yesterday.start, yesterday.end].map(utc);
};

describe("the stretches of a day", () => {
  it.each<[string, string, PeriodRules, string[]]>([
    [
      "compare what has ended with as much of yesterday",
      "2026-03-05T06:07:00Z",
      china,
      ["2026-03-04T16:00", "2026-03-05T06:00", "2026-03-05T06:15", "2026-03-03T16:00", "2026-03-04T06:00"],
    ],
    [
      "have nothing to compare before the first edge",
      "2026-03-04T16:00:30Z",
      china,
      ["2026-03-04T16:00", "2026-03-04T16:00", "2026-03-04T16:15", "2026-03-03T16:00", "2026-03-03T16:00"],
    ],
    [
      "begin when the business day does",
      "2026-03-05T00:20:00Z",
      shifted,
      ["2026-03-05T00:00", "2026-03-05T00:15", "2026-03-05T00:30", "2026-03-04T00:00", "2026-03-04T00:15"],
    ],
    [
      "begin at midnight on the day after clocks went forward",
      "2026-03-30T01:00:00Z",
      berlin,
      ["2026-03-29T22:00", "2026-03-30T01:00", "2026-03-30T01:15", "2026-03-28T23:00", "2026-03-29T02:00"],
    ],
    [
      "do not compare more than yesterday had",
      "2026-03-30T21:50:00Z",
      berlin,
      ["2026-03-29T22:00", "2026-03-30T21:45", "2026-03-30T22:00", "2026-03-28T23:00", "2026-03-29T22:00"],
    ],
  ])("%s", (_name, now, rules, expected) => {
    expect(texts(now, rules)).toEqual(expected);
  });

  it("have seven whole days before", () => {
    const { before } = stretchesOf(Date.parse("2026-03-05T06:07:00Z"), china);
    expect([utc(before.start), utc(before.end)]).toEqual(["2026-02-25T16:00", "2026-03-04T16:00"]);
  });
});

describe("a difference", () => {
  it.each([
    [110, 100, 10, 0.1, "more"],
    [90, 100, -10, -0.1, "less"],
    [100.01, 100, 0.01, 0.0001, "same"],
    [-90, -100, 10, 0.1, "more"],
    [5, 0, 5, null, "more"],
    [0, 0, 0, null, "same"],
  ])("of %s and %s is %s", (now, before, amount, share, direction) => {
    const found = differenceOf(now, before);
    expect(found?.direction).toBe(direction);
    expect(found?.amount).toBeCloseTo(amount, 9);
    if (share === null) expect(found?.share).toBeNull();
    else expect(found?.share).toBeCloseTo(share, 9);
  });

  it("is not known where a side is not", () => {
    expect(differenceOf(null, 1)).toBeNull();
    expect(differenceOf(1, null)).toBeNull();
  });
});

describe("a time that is to be compared", () => {
  it("is one that readings cover nearly whole", () => {
    expect(isCovered(1)).toBe(true);
    expect(isCovered(0.95)).toBe(true);
    expect(isCovered(0.9)).toBe(false);
  });
});
