import { describe, expect, it } from "vitest";
import type { Completeness, PointState } from "@/api/types";
import { exchangesSince, silentPoints, usualSteps, withheldPoints } from "./meterNotices";

const BEGIN = "2024-01-01T00:00:00Z";

function point(code: string, part: Partial<PointState> = {}): PointState {
  return {
    code,
    meter: `M-${code}`,
    gateway: "gw-1",
    gateway_class: "receipted",
    kind: "register",
    unit: "kWh",
    address: code,
    active: true,
    valid_from: BEGIN,
    valid_to: null,
    first_ts: BEGIN,
    last_ts: "2026-03-05T06:00:00Z",
    last_value: 1,
    age_s: 5,
    grade: "good",
    flags: [],
    ...part,
  };
}

function complete(counts: Record<string, number>, flags: string[] = []): Completeness {
  const total = {
    amount: 1,
    energy_kwh: null,
    coal_equivalent_tce: null,
    coal_equal_tce: null,
    emission_direct_tco2e: null,
    emission_purchased_tco2e: null,
    grade: "good" as const,
    covered_share: 1,
    flags,
  };
  return {
    as_of: "2026-03-05T06:10:00Z",
    complete_until: null,
    waiting_for: [],
    time_zone: "UTC",
    start: "2026-03-05T06:00:00Z",
    end: "2026-03-05T06:30:00Z",
    points: Object.entries(counts).map(([code, count]) => ({ point: code, unit: "kWh", total: { ...total, reading_count: count } })),
  };
}

describe("the usual distance of readings", () => {
  it("is that of the time which has passed", () => {
    expect(usualSteps(complete({ fast: 60, slow: 2, once: 1 }))).toEqual(new Map([["fast", 10], ["slow", 300]]));
  });
});

describe("a silent point", () => {
  const steps = new Map([["a", 10], ["b", 10], ["slow", 300]]);
  it.each<[string, PointState, boolean]>([
    ["is older than 45 s", point("a", { age_s: 46 }), true],
    ["is not silent at 45 s", point("a", { age_s: 45 }), false],
    ["may be slower", point("slow", { age_s: 899 }), false],
    ["is silent after three of its steps", point("slow", { age_s: 901 }), true],
    ["never sent a reading", point("new", { age_s: null, last_ts: null }), true],
    ["is not judged without a usual distance", point("rare", { age_s: 80_000 }), false],
    ["is in use", point("a", { age_s: 500, active: false }), false],
    ["has not been exchanged", point("a", { age_s: 500, valid_to: "2026-03-05T05:00:00Z" }), false],
  ])("%s", (_name, of, isSilent) => {
    expect(silentPoints([of], [steps]).length === 1).toBe(isSilent);
  });

  it("takes the newest usual distance", () => {
    expect(silentPoints([point("a", { age_s: 100 })], [new Map([["a", 60]]), steps])).toEqual([]);
  });

  it("tells of a gateway as one", () => {
    const all = [
      point("a", { age_s: 60, last_ts: "2026-03-05T06:00:09Z" }),
      point("b", { age_s: 61, last_ts: "2026-03-05T06:00:08Z" }),
      point("c", { gateway: "gw-2" }),
    ];
    expect(silentPoints(all, [steps])).toEqual([
      { gateway: "gw-1", points: ["a", "b"], isWholeGateway: true, since: "2026-03-05T06:00:08Z" },
    ]);
  });
});

describe("an exchange", () => {
  it("is a point that begins where another ends", () => {
    const at = "2026-03-05T06:00:00Z";
    const points = [point("furnace", { valid_to: at }), point("furnace.2", { valid_from: at }), point("other")];
    expect(exchangesSince(points, Date.parse("2026-03-05T00:00:00Z"))).toEqual([
      { meter: "M-furnace.2", point: "furnace.2", replaced: "furnace", at },
    ]);
    expect(exchangesSince(points, Date.parse("2026-03-05T07:00:00Z"))).toEqual([]);
  });
});

describe("a withheld step", () => {
  it("is told by the flags of the point", () => {
    expect(withheldPoints(complete({ a: 5 }, ["open", "spike"]))).toEqual([{ point: "a", flag: "spike" }]);
    expect(withheldPoints(complete({ a: 5 }, ["open"]))).toEqual([]);
  });
});
