import { describe, expect, it } from "vitest";
import { businessDay, closedOf, nextEdge, periodBefore, periodOf, type PeriodChoice, type PeriodRules } from "./period";
import { instantOf, offsetOf, zoneText } from "./zone";

const HOUR = 3_600_000;
const at = (text: string): number => Date.parse(text);
const utc = (instant: number): string => new Date(instant).toISOString().slice(0, 16);
const china: PeriodRules = { timeZone: "Asia/Shanghai", baseIntervalMs: 900_000, dayStartMs: 0 };
const shifted: PeriodRules = { ...china, dayStartMs: 8 * HOUR };
const berlin: PeriodRules = { ...china, timeZone: "Europe/Berlin" };

describe("a period", () => {
  const now = at("2026-03-05T06:07:00Z"); // 14:07 in China
  it.each<[string, PeriodChoice, PeriodRules, string, string, boolean]>([
    ["today ends at the next edge", { kind: "today" }, china, "2026-03-04T16:00", "2026-03-05T06:15", true],
    ["yesterday is whole", { kind: "yesterday" }, china, "2026-03-03T16:00", "2026-03-04T16:00", false],
    ["seven days end with today", { kind: "week" }, china, "2026-02-26T16:00", "2026-03-05T06:15", true],
    ["a month begins with its first day", { kind: "month" }, china, "2026-02-28T16:00", "2026-03-05T06:15", true],
    ["days are chosen whole", { kind: "custom", first: "2026-01-01", last: "2026-01-02" }, china, "2025-12-31T16:00", "2026-01-02T16:00", false],
    ["days chosen backwards are turned", { kind: "custom", first: "2026-01-02", last: "2026-01-01" }, china, "2025-12-31T16:00", "2026-01-02T16:00", false],
    ["a day may begin at eight", { kind: "today" }, shifted, "2026-03-05T00:00", "2026-03-05T06:15", true],
    ["a month is cut where today is", { kind: "custom", first: "2026-03-05", last: "2026-03-31" }, china, "2026-03-04T16:00", "2026-03-05T06:15", true],
  ])("%s", (_name, choice, rules, start, end, isOpen) => {
    const period = periodOf(choice, now, rules);
    expect([utc(period.start), utc(period.end), period.isOpen]).toEqual([start, end, isOpen]);
  });

  it("is never empty, at the very start of a day", () => {
    const period = periodOf({ kind: "today" }, at("2026-03-04T16:00:00Z"), china);
    expect(period.end - period.start).toBe(900_000);
  });

  it("has 23 hours where clocks go forward and 25 where they go back", () => {
    const lengths = ["2026-03-29", "2026-03-30", "2026-10-25"].map((day) => {
      const period = periodOf({ kind: "custom", first: day, last: day }, at("2026-12-01T00:00:00Z"), berlin);
      return (period.end - period.start) / HOUR;
    });
    expect(lengths).toEqual([23, 24, 25]);
  });

  it("is compared with as much of the days before", () => {
    const before = periodBefore(periodOf({ kind: "today" }, now, china));
    expect([utc(before.start), utc(before.end)]).toEqual(["2026-03-03T16:00", "2026-03-04T06:15"]);
  });
});

describe("a business day", () => {
  it("belongs to yesterday until it begins", () => {
    expect(businessDay(at("2026-03-04T23:59:59Z"), shifted)).toBe("2026-03-04");
    expect(businessDay(at("2026-03-05T00:00:00Z"), shifted)).toBe("2026-03-05");
  });
});

describe("what of a period has closed", () => {
  const rules = { baseIntervalMs: HOUR };
  it("ends where the last interval has", () => {
    expect(closedOf({ start: 0, end: 3 * HOUR, isOpen: true }, rules)).toEqual({ start: 0, end: 2 * HOUR });
    expect(closedOf({ start: 0, end: HOUR, isOpen: true }, rules)).toEqual({ start: 0, end: HOUR });
    expect(closedOf({ start: 0, end: 3 * HOUR, isOpen: false }, rules)).toEqual({ start: 0, end: 3 * HOUR });
  });
});

describe("an edge", () => {
  it("lies after the instant, also when that is an edge", () => {
    expect(nextEdge(at("2026-03-05T06:15:00Z"), china)).toBe(at("2026-03-05T06:30:00Z"));
  });
});

describe("a zone", () => {
  it("has offsets of half hours and of years long gone", () => {
    expect(offsetOf(at("2026-01-01T00:00:00.250Z"), "Asia/Kolkata")).toBe(5.5 * HOUR);
    expect(zoneText(at("2026-01-01T00:00:00Z"), "Asia/Kolkata")).toBe("UTC+5:30");
    expect(zoneText(at("2026-01-01T00:00:00Z"), "America/New_York")).toBe("UTC−5");
    expect(zoneText(at("2026-01-01T00:00:00Z"), "UTC")).toBe("UTC+0");
  });

  it("finds an instant from its wall clock on both sides of a change", () => {
    expect(utc(instantOf("2026-03-29", HOUR, "Europe/Berlin"))).toBe("2026-03-29T00:00");
    expect(utc(instantOf("2026-03-29", 4 * HOUR, "Europe/Berlin"))).toBe("2026-03-29T02:00");
  });
});
