import { describe, expect, it } from "vitest";
import type { TariffDocument, TariffSeason, TariffStated } from "@/api/types";
import { clockOf, dayKindOf, inForce, levelsOf, monthAfter, monthsBefore, priceDecimals, scheduleOf, seasonOn, segmentAt, specialDaysOf, stripOf, stripsOf } from "./tariff";

const name = { zh: "名", en: "name" };
const band = (code: string, price: number): TariffDocument["bands"][number] => ({ code, name, price });
const winter: TariffSeason = { name, from: "12-01", to: "02-29", workday: "cold", holiday: "free" };
const rest: TariffSeason = { name, from: "03-01", to: "11-30", workday: "mild", weekend: "free" };
const tariff: TariffDocument = {
  valid_from: "2024-01-01",
  source: "contract",
  unit: "kWh",
  bands: [band("peak", 1), band("valley", 0.3), band("flat", 0.6)],
  days: [{ code: "mild", times: [{ from: "00:00", to: "08:00", band: "valley" }, { from: "08:00", to: "12:15", band: "peak" }, { from: "12:15", to: "24:00", band: "flat" }] }],
  seasons: [winter, rest],
  special_days: [
    { from: "2026-10-01", to: "2026-10-07", kind: "holiday", name },
    { from: "2026-10-10", to: "2026-10-10", kind: "workday", name },
    { from: "2025-12-31", to: "2026-01-01", kind: "holiday", name },
  ],
};

function row(target: string, valid_from: string, holds = true): TariffStated {
  return { target, valid_from, holds, revision: 1, stated_at: "", stated_by: "", document: tariff };
}

describe("the levels of prices", () => {
  it.each([
    [[0.5], [3]],
    [[1, 0.5], [4, 2]],
    [[1, 0.3, 0.6], [4, 2, 3]],
    [[1.2, 1, 0.6, 0.3, 0.2], [5, 4, 3, 2, 1]],
    [[1, 1], [3, 3]],
    [[1, 2, 3, 4, 5, 6, 7], [1, 1, 2, 3, 3, 4, 5]],
  ])("of %j are %j", (prices, levels) => {
    const bands = prices.map((price, index) => band(String(index), price));
    expect([...levelsOf(bands).values()]).toEqual(levels);
  });
});

describe("what is in force", () => {
  it("is the newest of each target up to the day, without what was replaced", () => {
    const stated = [row("carrier/gas", "2024-01-01"), row("carrier/gas", "2026-04-01"), row("flow/grid", "2024-01-01"), row("flow/grid", "2025-01-01", false)];
    const found = (day: string): [string, string][] => inForce(stated, day).map(({ target, valid_from: from }) => [target, from]);
    expect(found("2026-05-01")).toEqual([["carrier/gas", "2026-04-01"], ["flow/grid", "2024-01-01"]]);
    expect(found("2026-03-31")).toEqual([["carrier/gas", "2024-01-01"], ["flow/grid", "2024-01-01"]]);
    expect(found("2023-12-31")).toEqual([]);
  });
});

describe("a day", () => {
  it.each([
    ["2026-12-01", winter],
    ["2028-02-29", winter],
    ["2026-02-28", winter],
    ["2026-03-01", rest],
  ])("%s has its season", (day, season) => {
    expect(seasonOn(tariff, day)).toBe(season);
  });

  it.each([
    ["2026-10-05", "holiday"],
    ["2026-10-10", "workday"],
    ["2026-10-17", "weekend"],
    ["2026-10-12", "workday"],
    ["2026-01-01", "holiday"],
  ])("%s is a %s", (day, kind) => {
    expect(dayKindOf(tariff, day)).toBe(kind);
  });

  it("goes by the schedule of its kind, or by that of the one before", () => {
    expect([scheduleOf(winter, "weekend"), scheduleOf(winter, "holiday")]).toEqual(["cold", "free"]);
    expect([scheduleOf(rest, "weekend"), scheduleOf(rest, "holiday")]).toEqual(["free", "free"]);
    expect(stripsOf(rest)).toEqual([
      { schedule: "mild", kinds: ["workday"] },
      { schedule: "free", kinds: ["weekend", "holiday"] },
    ]);
  });

  it("is a strip of segments that says what runs and what follows", () => {
    const strip = stripOf(tariff, "mild");
    expect(strip.map(({ from, to }) => [from, to])).toEqual([[0, 480], [480, 735], [735, 1_440]]);
    const { now, next } = segmentAt(strip, 480);
    expect([now?.band.code, next?.band.code, next && clockOf(next.from)]).toEqual(["peak", "flat", "12:15"]);
    expect(segmentAt(strip, 1_439).next).toBeNull();
  });

  it("has one price where a version has no schedule", () => {
    expect(stripOf({ ...tariff, days: [] }, null)).toEqual([{ from: 0, to: 1_440, band: tariff.bands[0] }]);
  });

  it("tells the special days of its year", () => {
    expect(specialDaysOf(tariff, "2026-05-01")).toHaveLength(3);
    expect(specialDaysOf(tariff, "2025-05-01")).toHaveLength(1);
  });
});

describe("months", () => {
  it("go back over the year, and on over it", () => {
    expect(monthsBefore("2026-02-10", 4)).toEqual(["2026-02", "2026-01", "2025-12", "2025-11"]);
    expect(monthAfter("2026-12")).toBe("2027-01");
  });
});

describe("a price", () => {
  it.each([
    [860, 2],
    [0.52, 2],
    [0.645, 3],
    [1.2416, 4],
    [0.123456, 4],
    [0.1 + 0.2, 2],
  ])("of %d has %i decimals", (price, decimals) => {
    expect(priceDecimals(price)).toBe(decimals);
  });
});
