import { describe, expect, it } from "vitest";
import { coveredOfPassed, growingDecimals, isQuiet } from "./words";

describe("the mark of a number of today", () => {
  it.each([
    [["open", "partial"], 0.99, true],
    [[], 1, true],
    [["open", "partial"], 0.94, false],
    [["open", "interpolated"], 1, false],
  ])("with %s and %s covered is quiet: %s", (flags, covered, quiet) => {
    expect(isQuiet(flags, covered)).toBe(quiet);
  });
});

describe("the share covered", () => {
  it("is of what has passed", () => {
    expect(coveredOfPassed(0.5, { start: 0, end: 100 }, 50)).toBe(1);
    expect(coveredOfPassed(0.4, { start: 0, end: 100 }, 80)).toBe(0.5);
    expect(coveredOfPassed(0.4, { start: 0, end: 100 }, 200)).toBe(0.4);
    expect(coveredOfPassed(0, { start: 0, end: 100 }, 0)).toBe(0);
  });
});

describe("a growing number", () => {
  it("has decimals that are seen to move", () => {
    expect([null, 5, 99.9, 5_000, 51_136].map(growingDecimals)).toEqual([3, 3, 3, 1, 3]);
  });
});
