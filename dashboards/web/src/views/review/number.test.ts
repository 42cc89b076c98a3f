import { describe, expect, it } from "vitest";
import { numberOf, rawDecimals } from "./number";

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

describe("a raw reading", () => {
  it.each([
    [22_041, 0],
    [21_040.8137, 4],
    [0.1, 1],
    [1 / 3, 6],
    [-2.5, 1],
  ])("%d has %i decimals", (value, decimals) => {
    expect(rawDecimals(value)).toBe(decimals);
  });
});
