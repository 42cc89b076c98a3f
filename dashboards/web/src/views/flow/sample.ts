import type { EnergyFlow, FlowLink, FlowNode } from "@/api/types";

/** Small answers of the centre, for tests. */
export function node(code: string, kind: FlowNode["kind"], parent: string | null = null, residual: number | null = null): FlowNode {
  return {
    code,
    kind,
    parent,
    name_zh: `${code} 中`,
    name_en: code,
    input_value: null,
    output_value: null,
    residual_value: residual,
    grade: "good",
    flags: [],
  };
}

export function link(code: string, source: string, target: string, value: number | null, more: Partial<FlowLink> = {}): FlowLink {
  return { code, source, target, value, name_zh: null, name_en: null, carrier: "electricity", role: "transfer", derived: false, grade: "good", flags: [], ...more };
}

export function answer(nodes: FlowNode[], links: FlowLink[]): EnergyFlow {
  return {
    as_of: "2026-01-01T00:00:00Z",
    complete_until: null,
    waiting_for: [],
    time_zone: "Asia/Shanghai",
    start: "2026-01-01T00:00:00Z",
    end: "2026-01-01T01:00:00Z",
    unit: "kWh",
    nodes,
    links,
  };
}

/** Grid and coke; utilities with a board, a battery and a waste heat boiler; a foundry with a cupola; offices. */
export function foundry(): EnergyFlow {
  return answer(
    [
      node("grid", "source"),
      node("coke", "source"),
      node("plant", "use"),
      node("utilities", "use", "plant"),
      node("board", "bus", "utilities", 3),
      node("battery", "storage", "utilities", 5),
      node("boiler", "conversion", "utilities", 6),
      node("foundry", "use", "plant"),
      node("cupola", "conversion", "foundry", 40),
      node("hall", "bus", "foundry", -2),
      node("furnace", "use", "foundry"),
      node("office", "use", "plant"),
    ],
    [
      link("grid-in", "grid", "board", 100, { role: "supply" }),
      link("charge", "board", "battery", 15, { role: "charge" }),
      link("discharge", "battery", "board", 10, { role: "discharge" }),
      link("hall-1", "board", "hall", 60),
      link("hall-2", "board", "hall", 10),
      link("furnace-power", "hall", "furnace", 72),
      link("office-power", "board", "office", null),
      link("coke-in", "coke", "cupola", 80, { role: "supply", carrier: "coke" }),
      link("waste-heat", "cupola", "boiler", 20, { carrier: "waste_heat" }),
      link("steam", "boiler", "furnace", 14, { carrier: "steam_1p0MPa" }),
    ],
  );
}
