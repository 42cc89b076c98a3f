import type { Budget, BudgetPeriod, BudgetStated } from "@/api/types";
import type { PlantNode } from "@/parts/plant";
import { startOfDay, type PeriodRules } from "@/use/period";
import type { CalendarDay } from "@/use/zone";
import { numberOf } from "@/views/review/number";

export const BUDGET_PERIODS = ["day", "month", "year"] as const;
/** What a budget can be of, with its unit; a demand is of a month alone. */
export const BUDGET_QUANTITIES = {
  emission_tco2e: "tCO2e",
  emission_direct_tco2e: "tCO2e",
  emission_purchased_tco2e: "tCO2e",
  coal_equivalent_tce: "tce",
  coal_equal_tce: "tce",
  energy_kwh: "kWh",
  demand_kw: "kW",
} as const;
export type BudgetQuantity = keyof typeof BUDGET_QUANTITIES;

export function periodsOf(quantity: BudgetQuantity): readonly BudgetPeriod[] {
  return quantity === "demand_kw" ? ["month"] : BUDGET_PERIODS;
}

/** When the period begins that holds a business day [ms]. */
export function startOfPeriod(period: BudgetPeriod, day: CalendarDay, rules: PeriodRules): number {
  const first = { day, month: `${day.slice(0, 7)}-01`, year: `${day.slice(0, 4)}-01-01` }[period];
  return startOfDay(first, rules);
}

/** When the next one begins [ms]. */
export function endOfPeriod(period: BudgetPeriod, day: CalendarDay, rules: PeriodRules): number {
  const [year = 0, month = 0, date = 0] = day.split("-").map(Number);
  const next = { day: [year, month - 1, date + 1], month: [year, month, 1], year: [year + 1, 0, 1] }[period] as [number, number, number];
  return startOfDay(new Date(Date.UTC(...next)).toISOString().slice(0, 10), rules);
}

/** How a budget stands: used up, used up by the end at this pace, within it, or not known. */
export type Standing = "exceeded" | "pace" | "within" | "unknown";

export function standingOf({ amount, used, forecast }: Pick<Budget, "amount" | "used" | "forecast">): Standing {
  if (amount === null || used === null) return "unknown";
  if (used > amount) return "exceeded";
  return forecast !== null && forecast > amount ? "pace" : "within";
}

/** Where the bar of a budget ends, and its marks, as shares of what is drawn: the budget, or how far beyond it goes. */
export function barOf({ amount, used, forecast }: Pick<Budget, "amount" | "used" | "forecast">): { used: number; forecast: number | null; budget: number } {
  const whole = Math.max(amount ?? 0, used ?? 0, forecast ?? 0);
  const share = (value: number): number => (whole > 0 ? value / whole : 0);
  return { used: share(used ?? 0), forecast: forecast === null ? null : share(forecast), budget: share(amount ?? 0) };
}

const keyOf = ({ quantity, period, start }: BudgetStated): string => `${quantity} ${period} ${Date.parse(start)}`;

/** How much of a budget of the whole site is stated for nodes; of nodes within each other the outermost counts. */
export function assignedOf(whole: BudgetStated, budgets: readonly BudgetStated[], nodes: readonly Pick<PlantNode, "code" | "parent">[]): number {
  const parent = new Map(nodes.map((node) => [node.code, node.parent]));
  const alike = budgets.filter((other) => other.node !== "" && other.amount !== null && keyOf(other) === keyOf(whole));
  const stated = new Set(alike.map(({ node }) => node));
  const isWithin = (code: string): boolean => {
    const seen = new Set([code]);
    for (let above = parent.get(code); above && !seen.has(above); above = parent.get(above)) {
      if (stated.has(above)) return true;
      seen.add(above);
    }
    return false;
  };
  return alike.filter(({ node }) => !isWithin(node)).reduce((sum, { amount }) => sum + (amount ?? 0), 0);
}

// A comma may part thousands; "0,9" is no 9.
const PARTED = /^[1-9]\d{0,2}(?:[,，\s]\d{3})+(?:\.\d+)?$/;

/** The number that somebody typed; null where it is none. */
export function amountOf(text: string): number | null {
  const written = text.trim();
  const found = numberOf(PARTED.test(written) ? written.replaceAll(/[,，\s]/g, "") : written) ?? -1;
  return Number.isFinite(found) && found >= 0 ? found : null;
}
