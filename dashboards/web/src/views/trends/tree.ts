import type { Bilingual, Series, SeriesKind } from "@/api/types";
import type { Plant } from "@/parts/plant";

/** Something that has results, with every carrier it has them of. */
export interface Choosable {
  kind: SeriesKind;
  code: string;
  name: Bilingual;
  /** Where it belongs, in words: parents, or the two ends of a flow. */
  place: Bilingual | null;
  /** Carriers with their units of amount; "" is the total. */
  carriers: { code: string; unit: string }[];
  /** The boundary of the site. */
  isRoot: boolean;
}

export interface Branch {
  key: string;
  name: Bilingual;
  item: Choosable | null;
  children: Branch[];
}

export interface Tree {
  groups: { kind: SeriesKind; branches: Branch[] }[];
  /** By "kind:code". */
  items: Map<string, Choosable>;
}

const KINDS: readonly SeriesKind[] = ["node", "product", "flow", "residual", "point"];

export function keyOf(of: { kind: SeriesKind; code: string }): string {
  return `${of.kind}:${of.code}`;
}

/** Everything that has results, as it hangs together: boundaries by parent, flows by carrier, points by where they are fitted. */
export function treeOf(series: readonly Series[], plant: Plant, carrierName: (code: string) => Bilingual): Tree {
  const items = itemsOf(series, plant);
  const of = (kind: SeriesKind): Choosable[] => [...items.values()].filter((item) => item.kind === kind);
  const branches: Record<SeriesKind, () => Branch[]> = {
    node: () => nodeBranches(of("node"), plant),
    product: () => of("product").map(leaf),
    flow: () => grouped(of("flow"), (item) => item.carriers[0]?.code ?? "", carrierName),
    residual: () => of("residual").map(leaf),
    point: () => {
      const meterNode = new Map(plant.meters.flatMap((meter) => meter.points.map((point) => [point.code, meter.node ?? ""])));
      const names = namesOf(plant.nodes);
      return grouped(of("point"), (item) => meterNode.get(item.code) ?? "", (code) => names.get(code) ?? plain(code || "—"));
    },
  };
  return { items, groups: KINDS.map((kind) => ({ kind, branches: branches[kind]() })).filter((group) => group.branches.length > 0) };
}

/** The items whose name, code or place holds every word of a search, best first: names that begin with it. */
export function searched(tree: Tree, words: string, max: number): Choosable[] {
  const wanted = words.trim().toLowerCase().split(/\s+/);
  const first = wanted[0] ?? "";
  if (first === "") return [];
  const found = [...tree.items.values()].filter((item) => {
    const text = [item.code, item.name.zh, item.name.en, item.place?.zh, item.place?.en].join(" ").toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
  const rank = (item: Choosable): number => ([item.name.zh, item.name.en, item.code].some((name) => name.toLowerCase().startsWith(first)) ? 0 : 1);
  return found.toSorted((one, other) => rank(one) - rank(other)).slice(0, max);
}

function itemsOf(series: readonly Series[], plant: Plant): Map<string, Choosable> {
  const describe = descriptions(plant);
  const items = new Map<string, Choosable>();
  for (const { kind, code, carrier, unit, is_root: isRoot } of series) {
    const key = keyOf({ kind, code });
    const carriers = items.get(key)?.carriers ?? [];
    items.set(key, { kind, code, isRoot, ...describe(kind, code), carriers: [...carriers, { code: carrier, unit }] });
  }
  return items;
}

function descriptions(plant: Plant): (kind: SeriesKind, code: string) => { name: Bilingual; place: Bilingual | null } {
  const nodes = namesOf(plant.nodes);
  const nodeOf = (code: string): Bilingual => nodes.get(code) ?? plain(code);
  const flows = new Map(plant.flows.map((flow) => [flow.code, flow]));
  const products = new Map(plant.products.map((product) => [product.code, product]));
  const parents = new Map(plant.nodes.map((node) => [node.code, node.parent]));
  const meters = new Map(plant.meters.flatMap((meter) => meter.points.map((point) => [point.code, meter])));
  return (kind, code) => {
    if (kind === "flow") {
      const flow = flows.get(code);
      const ends = flow ? between(nodeOf(flow.from), nodeOf(flow.to)) : null;
      return { name: flow?.name ?? ends ?? plain(code), place: flow?.name ? ends : null };
    }
    if (kind === "product") {
      const product = products.get(code);
      return { name: product?.name ?? plain(code), place: product ? nodeOf(product.node) : null };
    }
    if (kind === "point") {
      const meter = meters.get(code);
      return { name: meter?.name ?? plain(code), place: meter?.node ? nodeOf(meter.node) : null };
    }
    const parent = parents.get(code);
    return { name: nodeOf(code), place: parent ? nodeOf(parent) : null };
  };
}

/** Nodes below their parents; one whose parent has no results hangs on the next that has, or stands at the top. */
function nodeBranches(items: readonly Choosable[], plant: Plant): Branch[] {
  const branches = new Map(items.map((item) => [item.code, leaf(item)]));
  const parents = new Map(plant.nodes.map((node) => [node.code, node.parent]));
  const roots: Branch[] = [];
  for (const [code, branch] of branches) {
    let parent = parents.get(code) ?? null;
    while (parent !== null && !branches.has(parent)) parent = parents.get(parent) ?? null;
    (parent === null ? roots : (branches.get(parent)?.children ?? roots)).push(branch);
  }
  return roots;
}

function grouped(items: readonly Choosable[], by: (item: Choosable) => string, nameOf: (group: string) => Bilingual): Branch[] {
  const groups = new Map<string, Branch>();
  for (const item of items) {
    const group = by(item);
    let branch = groups.get(group);
    if (branch === undefined) groups.set(group, (branch = { key: `${item.kind}/${group}`, name: nameOf(group), item: null, children: [] }));
    branch.children.push(leaf(item));
  }
  return [...groups.values()];
}

function leaf(item: Choosable): Branch {
  return { key: keyOf(item), name: item.name, item, children: [] };
}

function namesOf(parts: readonly { code: string; name: Bilingual | null }[]): Map<string, Bilingual> {
  return new Map(parts.map((part) => [part.code, part.name ?? plain(part.code)]));
}

function between(from: Bilingual, to: Bilingual): Bilingual {
  return { zh: `${from.zh} → ${to.zh}`, en: `${from.en} → ${to.en}` };
}

function plain(code: string): Bilingual {
  return { zh: code, en: code };
}
