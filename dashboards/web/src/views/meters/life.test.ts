import { describe, expect, it } from "vitest";
import type { MeterChange, MeterFact } from "@/api/types";
import type { PlantMeter, PlantPoint } from "@/parts/plant";
import { kindOf, lifeOf, reachOf } from "./life";

const START = "2024-01-01T00:00:00+08:00";
const entered = { created_by: "a@demo", created_at: START, withdrawn_by: null, withdrawn_at: null, withdrawn_reason: null };

function point(life: MeterChange[] = []): PlantPoint {
  return { code: "p", kind: "register", multiplier: 1, digits: null, first: { multiplier: 1, digits: null }, life, holdSeconds: null, periodMinutes: null };
}

function meter(of: PlantPoint, calibrations: PlantMeter["calibrations"] = []): PlantMeter {
  return { code: "m", name: null, gateway: "g", node: null, model: null, serialNumber: null, accuracyClass: null, calibrationDue: null, calibrations, points: [of] };
}

function changed(id: number, fact: MeterChange, more: Partial<MeterFact> = {}): MeterFact {
  return { id, kind: "change", code: "p", fact, ...entered, ...more } as MeterFact;
}

describe("the life of a meter", () => {
  it("holds what the description says and what was entered, the newest first, and of others nothing", () => {
    const of = point([{ from: "2025-01-01T00:00:00+08:00", multiplier: 80 }]);
    const certified = { certificate: "c", calibrated_on: "2024-06-01", due: "2026-06-01" };
    const facts = [changed(1, { from: "2026-01-01T00:00:00Z", retired: true }), changed(2, { from: "2026-02-01T00:00:00Z", multiplier: 3 }, { code: "other" })];
    expect(lifeOf(meter(of, [certified]), of, START, facts).map(({ kind, fact }) => [kind, fact?.id ?? null])).toEqual([
      ["retired", 1],
      ["multiplier", null],
      ["calibration", null],
      ["start", null],
    ]);
  });

  it("has what stands in both only once, whatever zone it is written in", () => {
    const of = point([{ from: "2025-01-01T08:00:00+08:00", multiplier: 80, reason: "CT" }]);
    const twice = changed(1, { multiplier: 80, reason: "CT", from: "2025-01-01T00:00:00Z" });
    expect(lifeOf(meter(of), of, START, [twice]).filter(({ kind }) => kind === "multiplier")).toHaveLength(1);
    const withdrawn = { ...twice, withdrawn_at: START, withdrawn_by: "b" } as MeterFact;
    expect(lifeOf(meter(of), of, START, [withdrawn]).filter(({ kind }) => kind === "multiplier")).toHaveLength(2);
  });

  it.each([
    [{ retired: true, last_reading: 3 }, "retired"],
    [{ first_reading: 0, multiplier: 2 }, "exchange"],
    [{ serial_number: "A" }, "exchange"],
    [{ multiplier: 2, digits: { integer: 6 } }, "multiplier"],
    [{ digits: { integer: 6 } }, "digits"],
    [{ rate_max_per_hour: 5 }, "rating"],
  ] as const)("calls %j %s", (change, kind) => {
    expect(kindOf({ from: START, ...change })).toBe(kind);
  });
});

describe("the reach of a change", () => {
  const at = Date.parse("2025-03-01T00:00:00Z");
  const later = Date.parse("2025-05-01T00:00:00Z");
  const of = point([{ from: "2025-05-01T00:00:00Z", multiplier: 80 }]);
  const life = lifeOf(meter(of), of, START, []);

  it("ends at the next change, or not yet", () => {
    expect(reachOf({ multiplier: 2 }, at, life)).toEqual({ kind: "span", at, until: later });
    expect(reachOf({ multiplier: 2 }, later, life)).toEqual({ kind: "span", at: later, until: null });
  });

  it("is about the instant where the same is counted on, and the whole site where a meter goes", () => {
    expect(reachOf({}, at, life)).toEqual({ kind: "about", at });
    expect(reachOf({ retired: true }, at, life)).toEqual({ kind: "site", at });
  });
});
