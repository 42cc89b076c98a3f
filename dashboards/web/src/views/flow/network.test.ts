import { describe, expect, it } from "vitest";
import type { FlowUnit } from "@/api/types";
import type { LiveFlow, LivePayload } from "@/live/payload";
import { liveNetworkOf, networkOf, sumOf } from "./network";
import { pictureOf } from "./picture";
import { answer, foundry, link, node } from "./sample";

function payload(flow: LiveFlow): LivePayload {
  return { flow } as LivePayload;
}

const LIVE: LiveFlow = {
  code: ["in", "out"],
  carrier: ["electricity", "electricity"],
  amount_per_h: [100, null],
  power_kw: [100, null],
  coal_equivalent_kgce_per_h: [12.29, null],
  emission_kgco2e_per_h: [58, null],
  grade: ["good", "bad"],
  derived: [false, false],
};
const NODES = [node("grid", "source"), node("board", "bus"), node("hall", "use")];
const LINKS = [link("in", "grid", "board", 1), link("out", "board", "hall", 1)];

describe("live values", () => {
  it.each<[FlowUnit, number]>([
    ["kWh", 100],
    ["GJ", 0.36],
    ["tce", 12.29],
    ["tCO2e", 58],
  ])("are rates in %s", (unit, value) => {
    const [first, second] = liveNetworkOf(answer(NODES, LINKS), payload(LIVE), unit, []).flows;
    expect(first?.value).toBeCloseTo(value, 12);
    expect(second?.value).toBeNull();
    expect(second?.grade).toBe("bad");
  });

  it("are not known before the first event, and of what it does not tell", () => {
    for (const live of [null, payload({ ...LIVE, code: [], power_kw: [] })]) {
      const { flows } = liveNetworkOf(answer(NODES, LINKS), live, "kWh", []);
      expect(flows.map(({ value }) => value)).toEqual([null, null]);
    }
  });

  it("turn a link round where they are negative, from the way of the description", () => {
    const live = payload({ ...LIVE, power_kw: [-20, 30] });
    // The answer of the period has "in" turned round already.
    const turned = answer(NODES, [link("in", "board", "grid", 5), link("out", "board", "hall", 1)]);
    const directions = [{ code: "in", from: "grid", to: "board" }];
    const [first] = liveNetworkOf(turned, live, "kWh", directions).flows;
    expect([first?.source, first?.target, first?.value]).toEqual(["board", "grid", 20]);
    const [again] = liveNetworkOf(turned, payload(LIVE), "kWh", directions).flows;
    expect([again?.source, again?.target]).toEqual(["grid", "board"]);
  });

  it("leave over what comes in and does not go out, if all of it is known", () => {
    const residuals = [90, 104, null].map((out) => liveNetworkOf(answer(NODES, LINKS), payload({ ...LIVE, power_kw: [100, out] }), "kWh", []).residuals);
    expect(residuals.map(([first]) => first?.value)).toEqual([10, -4, null]);
  });
});

describe("values of a period", () => {
  it("have their intensity from energy and emission of the same link", () => {
    const energy = answer(NODES, [link("in", "grid", "board", 1_000), link("out", "board", "hall", 0)]);
    const emission = answer(NODES, [link("in", "grid", "board", 0.57), link("out", "board", "hall", 0)]);
    const links = pictureOf(networkOf(energy, [energy, emission]), null).links.filter(({ kind }) => kind === "flow");
    expect(links.map(({ intensity }) => intensity)).toEqual([0.57, null]);
    expect(pictureOf(networkOf(energy), null).links.every(({ intensity }) => intensity === null)).toBe(true);
  });

  it("have a residual, known or not, where a node passes energy on", () => {
    expect(networkOf(foundry()).residuals.map(({ place, value }) => [place, value])).toEqual([
      ["board", 3],
      ["battery", 5],
      ["boiler", 6],
      ["cupola", 40],
      ["hall", -2],
    ]);
  });
});

it.each([
  [[], 0],
  [[1, 2, 3], 6],
  [[1, null], null],
  [[1, Number.NaN], null],
])("sums %j to %j", (values, sum) => {
  expect(sumOf(values)).toBe(sum);
});
