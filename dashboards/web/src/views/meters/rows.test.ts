import { describe, expect, it } from "vitest";
import type { Grade, PointState, Reading, Sum } from "@/api/types";
import { plantOf } from "@/parts/plant";
import { ageOf } from "./age";
import { countsOf, linesOf, type Line, type Listing } from "./listing";
import { dotsOf, newestPart } from "./readings";
import { gatewaySums, meterRows, staleAfterS, type MeterRow, type Reason } from "./rows";

const MINUTE = 60_000;
const plant = plantOf({
  version: 1,
  valid_from: "",
  applied_at: "",
  applied_by: "",
  sha256: "",
  document: {
    nodes: [{ code: "hall", kind: "use", name: { zh: "车间", en: "Hall" } }],
    gateways: [{ code: "gw-1", name: { zh: "一号网关", en: "Gateway 1" } }],
    meters: [
      { code: "M-1", gateway: "gw-1", node: "hall", name: { zh: "十号表", en: "Meter 10" }, calibration_due: "2026-06-30", points: [{ code: "a", kind: "register", digits: { integer: 6, decimal: 2 } }] },
      { code: "M-2", gateway: "gw-1", node: "hall", name: { zh: "二号表", en: "Meter 2" }, calibration_due: "2027-06-30", points: [{ code: "b", kind: "interval", period_minutes: 15 }] },
      { code: "M-3", gateway: "gw-2", name: { zh: "三号表", en: "Meter 3" }, points: [{ code: "c", kind: "gauge", hold_seconds: 900 }] },
    ],
  },
});

function point(code: string, meter: string, given: Partial<PointState> = {}): PointState {
  return {
    code,
    meter,
    gateway: code === "c" ? "gw-2" : "gw-1",
    gateway_class: "receipted",
    kind: "register",
    unit: "kWh",
    address: `${code}_energy`,
    active: true,
    valid_from: "2024-01-01T00:00:00Z",
    valid_to: null,
    first_ts: null,
    last_ts: null,
    last_value: 1,
    age_s: 5,
    grade: "good",
    flags: [],
    ...given,
  };
}

function sum(given: Partial<Sum> = {}): Sum {
  return {
    amount: 1,
    energy_kwh: null,
    coal_equivalent_tce: null,
    coal_equal_tce: null,
    emission_direct_tco2e: null,
    emission_purchased_tco2e: null,
    reading_count: 360,
    covered_share: 1,
    grade: "good",
    flags: [],
    ...given,
  };
}

function rowsOf(given: { a?: Partial<PointState>; today?: Partial<Sum>; conflict?: boolean; day?: string } = {}): MeterRow[] {
  return meterRows({
    points: [point("a", "M-1", given.a), point("b", "M-2", { age_s: 1_000, last_value: 30 }), point("c", "M-3", { age_s: null, last_value: null })],
    plant,
    completeness: [{ point: "a", total: sum(given.today) }],
    conflicts: given.conflict ? [{ point: "a", ts: "", value: 1, kept_value: 2, received_at: "", reviewed_at: null, reviewed_by: null }] : [],
    spanS: 3_600,
    baseIntervalS: 900,
    today: given.day ?? "2026-03-05",
  });
}

describe("a point", () => {
  it.each<[string, Parameters<typeof rowsOf>[0], Reason[]]>([
    ["needs nothing", {}, []],
    ["is stale when it is three of its usual distances late", { a: { age_s: 61 } }, ["stale"]],
    ["is not stale at less than a minute", { a: { age_s: 59 } }, []],
    ["is silent without a reading", { a: { age_s: null } }, ["silent"]],
    ["is bad where its last reading is", { a: { grade: "bad" } }, ["bad"]],
    ["is bad where today's amount is withheld", { today: { grade: "bad" } }, ["bad"]],
    ["is not bad for being uncertain", { a: { grade: "uncertain" } }, []],
    ["has gaps where more is missing than it may be late", { today: { covered_share: 0.9 } }, ["gaps"]],
    ["has no gap by a late reading", { today: { covered_share: 0.99 } }, []],
    ["has a conflict until that is reviewed", { conflict: true }, ["conflict"]],
    ["is overdue on the day after its last good one", { day: "2026-07-01" }, ["calibration"]],
    ["is not overdue on that day", { day: "2026-06-30" }, []],
  ])("%s", (_name, given, reasons) => {
    expect(rowsOf(given)[0]?.reasons).toEqual(reasons);
  });

  it.each<[string, Parameters<typeof staleAfterS>, number]>([
    ["by how often it reports", [null, sum({ reading_count: 12 }), 3_600, 900], 900],
    ["by no less than a minute", [null, sum({ reading_count: 3_600 }), 3_600, 900], 60],
    ["by two periods where it counts per period", [plant.meters[1]?.points[0] ?? null, null, 3_600, 900], 1_920],
    ["by the base interval where nothing is known", [null, null, 3_600, 900], 900],
  ])("is judged %s", (_name, given, seconds) => {
    expect(staleAfterS(...given)).toBe(seconds);
  });
});

const all: Listing = { words: "", filter: "all", gateway: null, sort: "name", isDescending: false, group: "none" };
const codes = (lines: readonly Line[]): string[] => lines.map((line) => (line.kind === "group" ? `[${line.name.en}]` : line.row.point.code));

describe("the list", () => {
  it.each<[string, Partial<Listing>, string[]]>([
    ["is by name, numbers in their order", {}, ["b", "c", "a"]],
    ["turns round", { isDescending: true }, ["a", "c", "b"]],
    ["by age has those without one last", { sort: "age" }, ["a", "b", "c"]],
    ["by age has those without one last also when turned", { sort: "age", isDescending: true }, ["b", "a", "c"]],
    ["holds what needs attention", { filter: "attention" }, ["c"]],
    ["holds one reason", { filter: "silent" }, ["c"]],
    ["holds one gateway", { gateway: "gw-1" }, ["b", "a"]],
    ["is searched by every word, in both languages", { words: "车间 meter" }, ["b", "a"]],
    ["is searched by address", { words: "C_ENERGY" }, ["c"]],
    ["has headings of gateways", { group: "gateway" }, ["[Gateway 1]", "b", "a", "[gw-2]", "c"]],
    ["has headings of nodes, one for those without", { group: "node" }, ["[Hall]", "b", "a", "[—]", "c"]],
    ["may be empty", { words: "nothing" }, []],
  ])("%s", (_name, given, expected) => {
    expect(codes(linesOf(rowsOf(), { ...all, ...given }, "en"))).toEqual(expected);
  });

  it("counts what each filter lets through", () => {
    expect(countsOf(rowsOf({ a: { age_s: 500 } }))).toMatchObject({ all: 3, attention: 2, stale: 1, silent: 1, bad: 0 });
  });
});

describe("a gateway", () => {
  it("sums what became of all that it sent, and the messages that nobody has seen", () => {
    const hour = { hour: "", gateway: "gw-1", gateway_class: "receipted", received: 10, stored: 7, duplicate: 1, conflict: 1, quarantined: 1, adds_up: true };
    const gap = { gateway: "gw-1", epoch: "e", first_seq: 5, last_seq: 7, last_received_at: "" };
    const [first, second] = gatewaySums(rowsOf(), [hour, { ...hour, adds_up: false }], [gap]);
    expect(first).toMatchObject({ code: "gw-1", pointCount: 2, attentionCount: 0, ageS: 5, received: 20, quarantined: 2, conflict: 2, missing: 3, addsUp: false });
    expect(second).toMatchObject({ code: "gw-2", pointCount: 1, attentionCount: 1, ageS: null, received: 0, missing: 0, addsUp: true });
  });
});

function reading(seconds: number, value: number | null = 1, grade: Grade = "good"): Reading {
  return { ts: new Date(seconds * 1_000).toISOString(), value, grade, flags: [], received_at: "" };
}

describe("readings as a line", () => {
  it("break where too long nothing came, and where there is no value", () => {
    expect(dotsOf([reading(0), reading(30), reading(100), reading(110, null, "bad")], 60).map(({ at, value, isBad }) => [at, value, isBad])).toEqual([
      [0, 1, false],
      [30_000, 1, false],
      [30_001, null, false],
      [100_000, 1, false],
      [110_000, null, true],
    ]);
  });

  it("are the newest where there are too many, on edges of base intervals", () => {
    const day = { start: 0, end: 96 * 15 * MINUTE };
    expect(newestPart(day, 8_000, 8_000, 15 * MINUTE)).toEqual(day);
    expect(newestPart(day, 40_000, 8_000, 15 * MINUTE)).toEqual({ start: 77 * 15 * MINUTE, end: day.end });
    expect(newestPart(day, 1e9, 8_000, 15 * MINUTE)).toEqual({ start: 95 * 15 * MINUTE, end: day.end });
  });
});

describe("an age", () => {
  it.each([
    [-3, "seconds", 0, 0],
    [59.9, "seconds", 59, 0],
    [61, "minutes", 1, 1],
    [3_600, "hours", 1, 0],
    [90_061, "days", 1, 1],
  ])("of %s s is in %s", (seconds, unit, whole, rest) => {
    expect(ageOf(seconds)).toEqual({ unit, whole, rest });
  });
});
