import { describe, expect, it } from "vitest";
import { numberOf } from "./number";

describe("a written number", () => {
  it.each([
    ["12.5", 12.5],
    [" -3 ", -3],
    ["", null],
    ["  ", null],
    ["1,234.5", undefined],
    ["12 kWh", undefined],
    ["1e5", undefined],
    ["Infinity", undefined],
  ])("%j is %j", (text, number) => {
    expect(numberOf(text)).toBe(number);
  });
});
