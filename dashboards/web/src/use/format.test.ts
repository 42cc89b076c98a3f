import { describe, expect, it } from "vitest";
import { clockText, instantText, numberText, shareText, shown, unitText, UNKNOWN } from "./format";

describe("a number", () => {
  it.each([
    [null, UNKNOWN],
    [Number.NaN, UNKNOWN],
    [0, "0"],
    [0.0123456, "0.0123"],
    [2.34567, "2.346"],
    [31.4159, "31.42"],
    [314.159, "314.2"],
    [3141.59, "3,142"],
    [-31.4159, "−31.42"],
    [-0.000_000_1, "0.000000"],
  ])("%s is shown as %s", (value, text) => {
    expect(numberText(value, "en")).toBe(text);
  });
});

describe("a value with its unit", () => {
  it.each([
    [9_999, "kWh", "9,999", "kWh"],
    [56_513.9, "kWh", "56.51", "MWh"],
    [-56_513_900, "kWh", "−56.51", "GWh"],
    [12_000, "kgCO2e", "12.00", "tCO₂e"],
    [120_000, "t", "120,000", "t"],
    [null, "kWh", UNKNOWN, "kWh"],
  ])("%s %s is %s %s", (value, unit, number, shortest) => {
    expect(shown(value, unit, "en")).toEqual({ number, unit: shortest });
  });

  it("has its unit as people of the language write it", () => {
    expect(unitText("1e4Nm3", "zh-CN")).toBe("万Nm³");
    expect(unitText("1e4Nm3", "en")).toBe("10⁴ Nm³");
    expect(unitText("tce/1e4CNY", "zh-CN")).toBe("tce/万元");
    expect([unitText("CNY", "zh-CN"), unitText("CNY", "en"), unitText("1e4CNY", "en")]).toEqual(["元", "CNY", "10⁴ CNY"]);
    expect(unitText("kgce/piece", "zh-CN")).toBe("kgce/件");
    expect(unitText("1", "en")).toBe("");
  });
});

describe("a share", () => {
  it("is rounded down, so that only all of it is 100 %", () => {
    expect([1, 0.9999, 0.29, 0, null].map((share) => shareText(share, "en"))).toEqual(["100%", "99.9%", "29.0%", "0.0%", UNKNOWN]);
  });
});

describe("an instant", () => {
  it("is shown on the clocks of the site", () => {
    const at = Date.parse("2026-01-31T16:05:09Z");
    expect(instantText(at, "Asia/Shanghai")).toBe("2026-02-01 00:05");
    expect(instantText(at, "Asia/Shanghai", "day")).toBe("2026-02-01");
    expect(clockText(at, "Asia/Shanghai", "second")).toBe("00:05:09");
  });
});
