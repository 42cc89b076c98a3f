import { describe, expect, it } from "vitest";
import type { EnergyFlow, FlowNode } from "@/api/types";
import { causesOf } from "./causes";

function nodeOf(code: string, kind: FlowNode["kind"]): FlowNode {
  return {
    code,
    kind,
    name_zh: code,
    name_en: code,
    parent: null,
    input_value: null,
    output_value: null,
    residual_value: null,
    grade: "good",
    flags: [],
  };
}

function flowOf(values: Record<string, number | null>): EnergyFlow {
  return {
    as_of: "",
    complete_until: null,
    waiting_for: [],
    time_zone: "UTC",
    start: "",
    end: "",
    unit: "tCO2e",
    nodes: [nodeOf("kiln", "use"), nodeOf("furnace", "use"), nodeOf("office", "use"), nodeOf("board", "bus")],
    links: Object.entries(values).map(([target, value]) => ({
      code: `to-${target}`,
      name_zh: null,
      name_en: null,
      source: "board",
      target,
      carrier: "electricity",
      role: "transfer",
      value,
      derived: false,
      grade: "good",
      flags: [],
    })),
  };
}

describe("the causes of over-emission", () => {
  it("are the uses that grew most, not what passes energy on", () => {
    const now = flowOf({ kiln: 5, furnace: 2, office: 1.01, board: 9 });
    const before = flowOf({ kiln: 1, furnace: 1, office: 1, board: 1 });
    expect(causesOf(now, before, 1).map(({ target, more }) => [target.code, more])).toEqual([["kiln", 4], ["furnace", 1]]);
  });

  it("are measured at the rate of what has passed", () => {
    expect(causesOf(flowOf({ kiln: 1 }), flowOf({ kiln: 1 }), 0.25)[0]?.more).toBe(3);
  });

  it("are not found among what is not known", () => {
    expect(causesOf(flowOf({ kiln: null, furnace: 2 }), flowOf({ kiln: 1 }), 1)).toEqual([]);
  });
});
