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

const CARRIERS = ["electricity", "steam_1p0MPa", "natural_gas", "compressed_air", "coke", "hot_water"];

/** Sources to boards to 120 uses: `count` links, of which some lead back or are not known; a drawing of several screens. */
export function tall(count: number): EnergyFlow {
  const boards = 20;
  const nodes = [node("plant", "use"), ...Array.from({ length: 8 }, (_, at) => node(`s${at}`, "source"))];
  for (let at = 0; at < boards; at += 1) nodes.push(node(`b${at}`, "bus", "plant", at % 3 === 0 ? -at : at));
  for (let at = 0; at < 120; at += 1) nodes.push(node(`u${at}`, "use", "plant"));
  const links = Array.from({ length: count }, (_, at): FlowLink => {
    const [source, target] = at % 10 === 0 ? [`s${at % 8}`, `b${at % boards}`] : at % 7 === 0 ? [`b${at % boards}`, `b${(at * 7 + 1) % boards}`] : [`b${at % boards}`, `u${at % 120}`];
    return link(`f${at}`, source, target, at % 11 === 0 ? null : (at * 37) % 400, { carrier: CARRIERS[at % 6] ?? "" });
  });
  return answer(nodes, links);
}

/** Five columns of twelve, `count` links between neighbouring ones: all of it on one screen. */
export function dense(count: number): EnergyFlow {
  const KINDS = ["source", "bus", "conversion", "bus", "use"] as const;
  const nodes = [node("plant", "use")];
  KINDS.forEach((kind, column) => {
    for (let at = 0; at < 12; at += 1) nodes.push(node(`${kind}${column}_${at}`, kind, kind === "source" ? null : "plant"));
  });
  const links = Array.from({ length: count }, (_, at): FlowLink => {
    const column = at % 4;
    const turn = Math.floor(at / 4);
    const [source, target] = [`${KINDS[column]}${column}_${turn % 12}`, `${KINDS[column + 1]}${column + 1}_${(turn * 5 + Math.floor(turn / 12)) % 12}`];
    const grade = at % 23 === 0 ? "uncertain" : at % 41 === 0 ? "bad" : "good";
    return link(`f${at}`, source, target, at % 29 === 0 ? null : 20 + ((at * 37) % 200), { carrier: CARRIERS[turn % 6] ?? "", grade });
  });
  return answer(nodes, links);
}
