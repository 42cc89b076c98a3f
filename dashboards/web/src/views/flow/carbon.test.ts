import { describe, expect, it } from "vitest";
import type { CarbonEnd, CarbonFlow, CarbonNode, CarbonSource } from "@/api/types";
import { intensitiesOf, liveIntensitiesOf, originsOf, withCarbon, withSuspects } from "./carbon";
import { networkOf } from "./network";
import { pictureOf } from "./picture";
import { foundry } from "./sample";

function source(code: string, factor: number | null): CarbonSource {
  return { code, name_zh: null, name_en: null, node: null, carrier: null, energy_kwh: 1, location_tco2e: null, market_tco2e: null, location_kgco2e_per_kwh: factor, market_kgco2e_per_kwh: factor && factor / 2, has_market_factor: true };
}

function place(code: string, parent: string | null, factor: number | null): CarbonNode {
  return { code, parent, kind: "use", name_zh: code, name_en: code, passing_kwh: 1, location_tco2e: null, market_tco2e: null, location_kgco2e_per_kwh: factor, market_kgco2e_per_kwh: factor, uncertain: false };
}

function end(code: string, kind: CarbonEnd["kind"], energy_kwh: number[], location_tco2e: (number | null)[]): CarbonEnd {
  return { code, kind, energy_kwh, location_tco2e, market_tco2e: location_tco2e };
}

const carbon = {
  sources: [source("grid-in", 0.6), source("coke-in", 0.4), source("unused", 0.1)],
  nodes: [place("plant", null, null), place("foundry", "plant", null), place("board", "plant", 0.55), place("furnace", "foundry", null), place("office", "plant", 0.5)],
  ends: [end("furnace", "use", [10, 30, 0], [6, 12, null]), end("office", "use", [5, 0, 0], [3, 0, 0]), end("battery", "stock", [99, 0, 0], [50, 0, 0])],
} as unknown as CarbonFlow;

describe("carbon of flows", () => {
  const energy = foundry();
  const network = networkOf(energy, [energy, energy]);

  it("is that of the place a flow comes from, and of a source its own", () => {
    const of = withCarbon(network, intensitiesOf(carbon, "location"));
    const emission = new Map(of.flows.map(({ code, emissionKg }) => [code, emissionKg]));
    expect(emission.get("grid-in")).toBeCloseTo(60, 12);
    expect(emission.get("hall-1")).toBeCloseTo(33, 12);
    expect(emission.get("steam")).toBeNull();
    expect(withCarbon(network, intensitiesOf(carbon, "market")).flows.find(({ code }) => code === "grid-in")?.emissionKg).toBeCloseTo(30, 12);
    expect(withCarbon(network, null).flows.every(({ emissionKg }) => emissionKg === null)).toBe(true);
  });

  it("of now keeps what is known of sources", () => {
    const live = liveIntensitiesOf({ node: { code: ["board", "hall"], location_kgco2e_per_kwh: [0.5, null], market_kgco2e_per_kwh: [0.4, 0.3] } }, "location", new Map([["grid-in", 0.6]]));
    expect([live.place.get("board"), live.place.has("hall"), live.supply.get("grid-in")]).toEqual([0.5, false, 0.6]);
  });
});

describe("origins of the carbon of a place", () => {
  it("are the sources of what ended within it, the largest first", () => {
    const found = originsOf(carbon, "foundry", "location") ?? [];
    expect(found.map(({ code, tco2e }) => [code, tco2e])).toEqual([["coke-in", 12], ["grid-in", 6]]);
    expect(found[0]?.share).toBeCloseTo(2 / 3, 12);
    expect(originsOf(carbon, null, "location")?.reduce((sum, { tco2e }) => sum + tco2e, 0)).toBe(21);
    expect(originsOf(carbon, "board", "location")).toEqual([]);
  });

  it("are not known where a factor is missing", () => {
    const lacking = { ...carbon, ends: [end("office", "use", [5, 1, 0], [3, null, 0])] };
    expect(originsOf(lacking, "office", "location")).toBeNull();
  });
});

describe("suspects", () => {
  it("mark the link that their flow is part of", () => {
    const marked = pictureOf(withSuspects(networkOf(foundry()), new Set(["coke-in"])), null);
    expect(marked.links.filter(({ isSuspect }) => isSuspect).map(({ id }) => id)).toEqual(["coke>foundry:coke"]);
  });
});
