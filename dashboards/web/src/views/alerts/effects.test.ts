import { describe, expect, it } from "vitest";
import { cascadeOf, zeroOf } from "./effects";

const effects = { volume: 6, intensity: -8, structure: 4, factor: null };

describe("a cascade of effects", () => {
  it("begins each bar where the one before ends", () => {
    const bars = cascadeOf({ effects });
    expect(bars.map(({ effect }) => effect)).toEqual(["volume", "intensity", "structure"]);
    expect(bars.map(({ left, width }) => [left * 8, width * 8])).toEqual([[2, 6], [0, 8], [0, 4]]);
    expect(zeroOf({ effects }) * 8).toBe(2);
  });

  it("of no change has no width", () => {
    const still = { volume: 0, intensity: 0, structure: 0, factor: 0 };
    expect(cascadeOf({ effects: still }).every(({ width }) => width === 0)).toBe(true);
    expect(zeroOf({ effects: still })).toBe(0);
  });
});
