import type { BalanceTest, Suspect } from "@/api/types";

export type Verdict = "agree" | "disagree" | "cannot";
export type Cell = "agree" | "disagree" | "suspect" | "none";

/** 95 % of a normal distribution lie within so many of its standard deviations. */
export const SIGMAS_95 = 1.959964;

export function verdictOf(test: BalanceTest): Verdict {
  if (test.rejects === null) return "cannot";
  return test.rejects ? "disagree" : "agree";
}

/** Whether what is left agrees once the suspects are set aside; null where nothing can be said. */
export function leftAgrees({ objective_left, critical_objective }: BalanceTest): boolean | null {
  return objective_left === null || critical_objective === null ? null : objective_left <= critical_objective;
}

/** What a cell of the history says; null: nothing was tested. */
export function cellOf(row: { test: BalanceTest; suspects: readonly Suspect[] } | null): Cell {
  const verdict = row === null ? "cannot" : verdictOf(row.test);
  if (verdict !== "agree") return verdict === "cannot" ? "none" : "disagree";
  return (row?.suspects.length ?? 0) > 0 ? "suspect" : "agree";
}
