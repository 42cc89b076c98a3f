import { describe, expect, it } from "vitest";
import { nameOf } from "./download";

describe("the name of a file", () => {
  it.each([
    ["attachment; filename*=UTF-8''main-readings.csv", "main-readings.csv"],
    ["attachment; filename*=UTF-8''%E8%AF%BB%E6%95%B0.xlsx", "读数.xlsx"],
    ["attachment", null],
    [null, null],
  ])("%j gives %j", (header, name) => {
    expect(nameOf(header)).toBe(name);
  });
});
