import { describe, expect, it } from "vitest";
import type { BudgetStated } from "@/api/types";
import { amountOf, assignedOf, barOf, endOfPeriod, periodsOf, standingOf, startOfPeriod } from "./budgets";

const RULES = { timeZone: "Asia/Shanghai", baseIntervalMs: 900_000, dayStartMs: 8 * 3_600_000 };

describe("the period of a budget", () => {
  it.each([
    ["day", "2026-12-31T00:00:00Z", "2027-01-01T00:00:00Z"],
    ["month", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"],
    ["year", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"],
  ] as const)("%s begins and ends with the business day", (period, start, end) => {
    expect(startOfPeriod(period, "2026-12-31", RULES)).toBe(Date.parse(start));
    expect(endOfPeriod(period, "2026-12-31", RULES)).toBe(Date.parse(end));
  });

  it("of a demand is a month", () => expect(periodsOf("demand_kw")).toEqual(["month"]));
});

describe("how a budget stands", () => {
  it.each([
    [10, 11, 12, "exceeded"],
    [10, 5, 12, "pace"],
    [10, 5, 9, "within"],
    [10, 5, null, "within"],
    [10, null, 12, "unknown"],
  ] as const)("%s, %s used, %s expected", (amount, used, forecast, standing) => expect(standingOf({ amount, used, forecast })).toBe(standing));

  it("is drawn over what goes farthest", () => {
    expect(barOf({ amount: 10, used: 5, forecast: 8 })).toEqual({ used: 0.5, forecast: 0.8, budget: 1 });
    expect(barOf({ amount: 10, used: 5, forecast: 20 })).toEqual({ used: 0.25, forecast: 1, budget: 0.5 });
    expect(barOf({ amount: 0, used: null, forecast: null })).toEqual({ used: 0, forecast: null, budget: 0 });
  });
});

const of = (node: string, amount: number | null, more: Partial<BudgetStated> = {}): BudgetStated =>
  ({ node, amount, quantity: "emission_tco2e", period: "month", start: "2026-11-01T00:00:00Z", ...more }) as BudgetStated;

describe("what is assigned to nodes", () => {
  const nodes = [
    { code: "foundry", parent: "plant" },
    { code: "furnace", parent: "foundry" },
    { code: "office", parent: "plant" },
    { code: "plant", parent: null },
  ];

  it("counts a node within another once, and nothing else", () => {
    const others = [of("foundry", 5), of("furnace", 3), of("office", 1), of("office", 9, { period: "day" }), of("x", null)];
    expect(assignedOf(of("", 10), others, nodes)).toBe(6);
    expect(assignedOf(of("", 10), [of("furnace", 3)], nodes)).toBe(3);
  });
});

describe("an amount as it is typed", () => {
  it.each([
    ["3,300.5", 3300.5],
    [" 12 ", 12],
    ["1，234 567", 1_234_567],
    ["0.001", 0.001],
    ["0", 0],
    ["0,9", null],
    ["0,001", null],
    ["12,34", null],
    ["1.234,5", null],
    ["0x1f", null],
    ["", null],
    ["-1", null],
    ["x", null],
    ["1e999", null],
    ["9".repeat(400), null],
  ])("%j", (text, amount) => expect(amountOf(text)).toBe(amount));
});
