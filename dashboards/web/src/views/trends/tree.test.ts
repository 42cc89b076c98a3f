import { describe, expect, it } from "vitest";
import type { Series, SeriesKind } from "@/api/types";
import { plantOf } from "@/parts/plant";
import { searched, treeOf, type Branch } from "./tree";

const plant = plantOf({
  version: 1,
  valid_from: "",
  applied_at: "",
  applied_by: "",
  sha256: "",
  document: {
    nodes: [
      { code: "plant", kind: "use", name: { zh: "全厂", en: "Plant" } },
      { code: "foundry", kind: "use", parent: "plant", name: { zh: "铸造车间", en: "Foundry" } },
      { code: "board", kind: "bus", parent: "foundry", name: { zh: "配电柜", en: "Board" } },
      { code: "furnace", kind: "use", parent: "board", name: { zh: "电炉", en: "Furnace" } },
    ],
    flows: [
      { code: "in", from: "grid", to: "plant", carrier: "electricity", name: { zh: "外购电", en: "Bought" } },
      { code: "furnace-power", from: "board", to: "furnace", carrier: "electricity" },
      { code: "gas", from: "supply", to: "plant", carrier: "natural_gas" },
    ],
    products: [{ code: "castings", node: "foundry", unit: "t", name: { zh: "铸件", en: "Castings" } }],
    meters: [{ code: "M-1", gateway: "gw", node: "furnace", name: { zh: "电炉表", en: "Furnace meter" }, points: [{ code: "furnace-kwh", kind: "register" }] }],
  },
});

function series(kind: SeriesKind, code: string, carrier = "", unit = ""): Series {
  return { kind, code, carrier, unit, is_root: code === "plant" };
}

const all = [
  series("node", "plant"),
  series("node", "plant", "electricity", "kWh"),
  series("node", "plant", "natural_gas", "1e4Nm3"),
  series("node", "foundry"),
  // The board has no boundary of its own.
  series("node", "furnace"),
  series("flow", "in", "electricity", "kWh"),
  series("flow", "furnace-power", "electricity", "kWh"),
  series("flow", "gas", "natural_gas", "1e4Nm3"),
  series("product", "castings", "", "t"),
  series("point", "furnace-kwh", "", "kWh"),
  series("point", "nobody-knows", "", "kW"),
];
const tree = treeOf(all, plant, (code) => ({ zh: `<${code}>`, en: code }));
const shape = (branches: readonly Branch[]): unknown[] => branches.map((branch) => (branch.children.length ? [branch.name.en, shape(branch.children)] : branch.name.en));
const group = (kind: SeriesKind): unknown[] => shape(tree.groups.find((found) => found.kind === kind)?.branches ?? []);

describe("the tree of subjects", () => {
  it("has boundaries below their parents, over those that have no results", () => {
    expect(group("node")).toEqual([["Plant", [["Foundry", ["Furnace"]]]]]);
  });

  it("has flows by carrier, named by their ends where they have no name", () => {
    expect(group("flow")).toEqual([["electricity", ["Bought", "Board → Furnace"]], ["natural_gas", ["supply → Plant"]]]);
  });

  it("has points where their meter is fitted, and loses none that the description does not know", () => {
    expect(group("point")).toEqual([["Furnace", ["Furnace meter"]], ["—", ["nobody-knows"]]]);
  });

  it("leaves out kinds that have no results", () => {
    expect(tree.groups.map(({ kind }) => kind)).toEqual(["node", "product", "flow", "point"]);
  });

  it("says of each what carriers it has", () => {
    expect(tree.items.get("node:plant")?.carriers).toEqual([{ code: "", unit: "" }, { code: "electricity", unit: "kWh" }, { code: "natural_gas", unit: "1e4Nm3" }]);
  });
});

describe("a search", () => {
  it.each([
    ["电炉", ["furnace", "furnace-kwh", "furnace-power"]],
    ["FOUNDRY", ["foundry", "castings"]],
    ["board furnace", ["furnace", "furnace-power"]],
    ["   ", []],
    ["nothing at all", []],
  ])("for %s finds %s", (words, codes) => {
    expect(searched(tree, words, 10).map((item) => item.code).toSorted()).toEqual(codes.toSorted());
  });

  it("stops at its limit", () => {
    expect(searched(tree, "e", 2)).toHaveLength(2);
  });
});
