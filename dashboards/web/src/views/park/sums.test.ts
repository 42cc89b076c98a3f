import { describe, expect, it } from "vitest";
import type { Park, ParkMemberSum } from "@/api/types";
import type { PeriodRules } from "@/use/period";
import { dayShare, lastDays, memberSites, runningDay, sharesOf, spanOfDays, sumOf, withoutSums } from "./sums";

const HOUR = 3_600_000;
const at = (text: string): number => Date.parse(text);
const park: PeriodRules = { timeZone: "Asia/Shanghai", baseIntervalMs: 900_000, dayStartMs: 0 };

function row(member: string, start: string, given: Partial<ParkMemberSum> = {}): ParkMemberSum {
  return {
    member_code: member,
    name_zh: `${member} 厂`,
    name_en: `Plant ${member}`,
    site_code: "main",
    time_zone: "Asia/Shanghai",
    carrier: "",
    unit: "",
    start,
    amount: null,
    energy_kwh: 100,
    coal_equivalent_tce: 1,
    coal_equal_tce: 2,
    emission_direct_tco2e: 1,
    emission_purchased_tco2e: 1,
    reading_count: 1,
    grade: "good",
    flags: [],
    ...given,
  };
}

function member(code: string, to: string | null = null): Park["members"][number] {
  return { member_code: code, valid_from: "2024-01-01T00:00:00Z", valid_to: to };
}

describe("members' sums", () => {
  // The second plant's day begins at eight.
  const sites = memberSites([
    row("b", "2026-03-05T00:00:00Z"),
    row("a", "2026-03-04T16:00:00Z", { energy_kwh: 7 }),
    row("a", "2026-03-03T16:00:00Z"),
    row("a", "2026-03-03T16:00:00Z", { carrier: "electricity" }),
    row("a", "2026-03-03T16:00:00Z", { site_code: "other" }),
  ]);

  it("are totals by site and by the day on which they begin there, the newest last", () => {
    expect(sites.map((site) => [site.key, site.days.map(({ day }) => day)])).toEqual([
      ["a/main", ["2026-03-04", "2026-03-05"]],
      ["a/other", ["2026-03-04"]],
      ["b/main", ["2026-03-05"]],
    ]);
  });

  it.each<[string, string, string | null, string | null]>([
    ["the running day and the one before", "2026-03-05T06:00:00Z", "2026-03-05", "2026-03-04"],
    ["the last whole day where none runs", "2026-03-06T12:00:00Z", null, "2026-03-05"],
  ])("tell %s", (_name, now, running, before) => {
    const [site] = sites;
    const found = site && runningDay(site, at(now));
    expect([found?.running?.day ?? null, found?.before?.day ?? null]).toEqual([running, before]);
  });

  it("name the members that are listed and not seen", () => {
    const members = [member("a"), member("silent"), member("left", "2025-01-01T00:00:00Z"), { ...member("coming"), valid_from: "2027-01-01T00:00:00Z" }];
    expect(withoutSums(members, sites, at("2026-03-05T06:00:00Z"))).toEqual(["silent"]);
  });
});

describe("a sum over members", () => {
  it("is not known where one of them is not", () => {
    expect([sumOf([1, 2]), sumOf([1, null]), sumOf([])]).toEqual([3, null, null]);
  });

  it("has shares that make one", () => {
    expect(sharesOf([1, 3])).toEqual([0.25, 0.75]);
    expect(sharesOf([1, null])).toEqual([null, null]);
    expect(sharesOf([0, 0])).toEqual([null, null]);
  });
});

describe("the days asked for", () => {
  it("are the last ones of the park's calendar, and hold members' days that begin earlier", () => {
    const days = lastDays(3, at("2026-03-05T06:00:00Z"), park);
    expect(days).toEqual(["2026-03-03", "2026-03-04", "2026-03-05"]);
    expect(spanOfDays(days, at("2026-03-05T06:15:00Z"), park).start).toBe("2026-03-01T16:00:00.000Z");
  });

  it("are over by a share", () => {
    const start = "2026-03-04T16:00:00Z";
    expect([dayShare(start, at(start) + 6 * HOUR), dayShare(start, at(start) + 30 * HOUR), dayShare(start, 0)]).toEqual([0.25, 1, 0]);
  });
});
