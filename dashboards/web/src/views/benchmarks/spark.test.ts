import { describe, expect, it } from "vitest";
import { sparkOf } from "./spark";

describe("a spark line", () => {
  it("goes from the left to the right, the greater the higher", () => {
    expect(sparkOf([1, 3, 2], [null, null, null])).toEqual({ line: "M0.00 24.00L50.00 0.00L100.00 12.00", target: "" });
  });

  it("has gaps where nothing is known, and dots between them", () => {
    expect(sparkOf([1, null, 3], [2, 2, 2])).toEqual({
      line: "M0.00 24.00h0.01M100.00 0.00h0.01",
      target: "M0.00 12.00L50.00 12.00L100.00 12.00",
    });
  });

  it("of one value stands in the middle", () => {
    expect(sparkOf([5], [null]).line).toBe("M50.00 12.00h0.01");
  });
});
