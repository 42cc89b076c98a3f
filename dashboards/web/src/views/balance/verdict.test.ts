import { describe, expect, it } from "vitest";
import type { BalanceTest, Suspect } from "@/api/types";
import { cellOf, leftAgrees, verdictOf } from "./verdict";

const test: BalanceTest = { degrees_of_freedom: 5, objective: 2, critical_objective: 11, objective_left: 2, rejects: false, critical_z: 2.7, level: 0.05 };
const suspect: Suspect = { flows: ["a"], nodes: [], meters: ["A"], z: 6, bias_kwh: 3, bias_sigma_kwh: 1 };

describe("the verdict of the balances", () => {
  it("agrees, contradicts, or cannot be given", () => {
    expect(verdictOf(test)).toBe("agree");
    expect(verdictOf({ ...test, rejects: true })).toBe("disagree");
    expect(verdictOf({ ...test, rejects: null })).toBe("cannot");
  });

  it("says whether the rest agrees without the suspects", () => {
    expect(leftAgrees(test)).toBe(true);
    expect(leftAgrees({ ...test, objective_left: 12 })).toBe(false);
    expect(leftAgrees({ ...test, objective_left: null })).toBeNull();
  });

  it("of a cell marks a suspect even where the whole agrees", () => {
    expect(cellOf({ test, suspects: [] })).toBe("agree");
    expect(cellOf({ test, suspects: [suspect] })).toBe("suspect");
    expect(cellOf({ test: { ...test, rejects: true }, suspects: [suspect] })).toBe("disagree");
    expect(cellOf(null)).toBe("none");
  });
});
