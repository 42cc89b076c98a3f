import { describe, expect, it } from "vitest";
import { explanationOf } from "./explanation";

const raw = {
  unit: "tCO2e", start: "a", end: "b", before_start: "c", before_end: "d", volume: 1, intensity: 2, structure: null, factor: 0.5, change: 3.5,
  parts: [
    { node: "plant", carrier: "gas", factor_before: 1, factor_after: 2, factor: 0.5 },
    { node: "plant", carrier: "coal", factor_before: 1, factor_after: 1, factor: 0 },
  ],
  flows: [{ flow: "to-kiln", carrier: "gas", change_kwh: 12, meters: ["m1"] }],
};

describe("an explanation", () => {
  it("has its effects, the flows that changed and the factors that did something", () => {
    const found = explanationOf(raw);
    expect(found?.effects).toEqual({ volume: 1, intensity: 2, structure: null, factor: 0.5 });
    expect(found?.flows).toEqual([{ code: "to-kiln", carrier: "gas", changeKwh: 12, meters: ["m1"] }]);
    expect(found?.factors.map(({ carrier }) => carrier)).toEqual(["gas"]);
  });

  it("has nothing where only rounding is left", () => expect(explanationOf({ ...raw, intensity: -4e-13 })?.effects.intensity).toBe(0));

  it.each([null, {}, { change: null }])("is none in %j", (given) => expect(explanationOf(given)).toBeNull());
});
