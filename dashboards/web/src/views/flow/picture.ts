import type { Bilingual, Grade } from "@/api/types";
import { loopsOf, type Edge } from "./loops";
import { sumOf, worst, type Flow, type Network, type Place, type Residual } from "./network";
import { focusOf, groupOf, isOutside, treeOf, type Tree } from "./tree";

/** Why a place is drawn twice: what enters it ends there, what leaves it begins anew. */
export type Side = "charge" | "discharge" | "into" | "outOf" | "back";
export type LinkKind = "flow" | "loss" | "residual" | "gain";

/** What links begin and end at. */
export interface Stop {
  id: string;
  /** Place that it stands for; null for what nobody knows the whereabouts of. */
  code: string | null;
  name: Bilingual | null;
  kind: Place["kind"] | Exclude<LinkKind, "flow">;
  side: Side | null;
  /** Not part of what is looked into. */
  isOutside: boolean;
  canOpen: boolean;
}

/** All that goes from a stop to a stop in one carrier. */
export interface Link {
  id: string;
  source: string;
  target: string;
  kind: LinkKind;
  carrier: string | null;
  /** Null where a part is not known. */
  value: number | null;
  /** Sum of the parts that are known: how wide it is drawn. */
  known: number;
  unknownCount: number;
  flows: Flow[];
  /** Places whose residual it is. */
  places: string[];
  /** Leads back to a place upstream; it ends at a copy of it. */
  isReturn: boolean;
  /** A meter of it contradicts the balances. */
  isSuspect: boolean;
  grade: Grade;
  flags: string[];
  /** Carbon of the energy. [kgCO2e/kWh] */
  intensity: number | null;
}

export interface Picture {
  /** The place that is looked into; null for all of a site without a root. */
  focus: string | null;
  tree: Tree;
  stops: Stop[];
  links: Link[];
}

type FindLoops = (edges: readonly Edge[]) => ReadonlySet<string>;

/** Below this share of the largest flow a residual is rounding: no meter is that good, and no line that thin. */
const RESIDUAL_SHARE_MIN = 1e-6;

/**
 * The flows of a site as one sees them looking into a place: what lies below each of its children is one
 * with it, parallel flows of a carrier are summed, and nothing leads back to where it came from.
 */
export function pictureOf(network: Network, asked: string | null, findLoops: FindLoops = loopsOf): Picture {
  const tree = treeOf(network.places);
  const focus = focusOf(tree, asked);
  const stops = new Map<string, Stop>();
  const links = [...flowLinks(network, tree, focus, stops), ...residualLinks(network, tree, focus, stops)];
  const loops = findLoops(links.map(edgeOf));
  const open = links.map((link) => (loops.has(link.id) ? redirected(link, stops) : link));
  return { focus, tree, stops: [...stops.values()], links: open };
}

/** What is drawn, whatever it amounts to, if to anything: as long as this stays, so does everybody's position. */
export function structureOf(picture: Picture): string {
  let found = structures.get(picture);
  if (found === undefined) {
    found = written(picture);
    structures.set(picture, found);
  }
  return found;
}

/** Drawing and table ask the same of every picture. */
const structures = new WeakMap<Picture, string>();

function written(picture: Picture): string {
  const flows = picture.links.filter(({ kind }) => kind === "flow");
  return [flows.some(({ known }) => known > 0), ...flows.map(({ id, target }) => `${id} ${target}`).toSorted()].join("|");
}

function flowLinks(network: Network, tree: Tree, focus: string | null, stops: Map<string, Stop>): Link[] {
  const isWhole = focus === tree.root;
  const merged = new Map<string, { source: string; target: string; flows: Flow[] }>();
  for (const flow of network.flows) {
    const [from, to] = [groupOf(tree, flow.source, focus), groupOf(tree, flow.target, focus)];
    if (!isWhole && !from.isInside && !to.isInside) continue;
    // Within a place that is not looked into; a place that feeds itself has nothing to look into.
    if (from.code === to.code && (flow.source !== flow.target || canOpen(tree, from.code, focus))) continue;
    const source = stopAt(tree, focus, from, "outgoing", stops);
    const target = stopAt(tree, focus, to, "incoming", stops);
    const key = `${source}>${target}:${flow.carrier}`;
    const found = merged.get(key);
    if (found) found.flows.push(flow);
    else merged.set(key, { source, target, flows: [flow] });
  }
  return Array.from(merged, ([id, { source, target, flows }]) => ({
    ...measured(flows),
    id,
    source,
    target,
    kind: "flow",
    carrier: flows[0]?.carrier ?? null,
    flows,
    places: [],
    isReturn: flows.every((flow) => flow.isReturn),
    isSuspect: flows.some((flow) => flow.isSuspect === true),
    intensity: intensityOf(flows),
  }));
}

function residualLinks(network: Network, tree: Tree, focus: string | null, stops: Map<string, Stop>): Link[] {
  const least = RESIDUAL_SHARE_MIN * Math.max(0, ...network.flows.map(({ value }) => value ?? 0));
  const merged = new Map<string, { kind: Exclude<LinkKind, "flow">; stop: string; residuals: Residual[] }>();
  for (const residual of network.residuals) {
    const place = tree.place(residual.place);
    const group = groupOf(tree, residual.place, focus);
    // What a storage took in and did not give back is in it: charge and discharge say so.
    if (place === null || place.kind === "storage" || !group.isInside) continue;
    if (residual.value !== null && Math.abs(residual.value) <= least) continue;
    const kind = kindOf(residual, place);
    const stop = stopAt(tree, focus, group, kind === "gain" ? "incoming" : "outgoing", stops);
    const key = `${stop}~${kind}`;
    const found = merged.get(key);
    if (found) found.residuals.push(residual);
    else merged.set(key, { kind, stop, residuals: [residual] });
  }
  return Array.from(merged, ([id, { kind, stop, residuals }]) => {
    const end = `~${kind}`;
    stops.set(end, { id: end, code: null, name: null, kind, side: null, isOutside: true, canOpen: false });
    return {
      ...measured(residuals.map(sized)),
      id,
      source: kind === "gain" ? end : stop,
      target: kind === "gain" ? stop : end,
      kind,
      carrier: null,
      flows: [],
      places: residuals.map(({ place }) => place),
      isReturn: false,
      isSuspect: false,
      intensity: null,
    };
  });
}

function sized(residual: Residual): Residual {
  return { ...residual, value: residual.value === null ? null : Math.abs(residual.value) };
}

/** A conversion loses; a bus that does not add up is measured badly or not wholly. */
function kindOf(residual: Residual, place: Place): Exclude<LinkKind, "flow"> {
  if ((residual.value ?? 0) < 0) return "gain";
  return place.kind === "conversion" ? "loss" : "residual";
}

function canOpen(tree: Tree, code: string, focus: string | null): boolean {
  return code !== focus && tree.children(code).length > 0;
}

/** The stop of a group, made when it is first met. */
function stopAt(
  tree: Tree,
  focus: string | null,
  group: { code: string; isInside: boolean },
  way: "incoming" | "outgoing",
  stops: Map<string, Stop>,
): string {
  const place = tree.place(group.code);
  const side = sideOf(tree, focus, place, group.isInside, way);
  const id = side === null ? group.code : `${group.code}:${side}`;
  if (!stops.has(id)) {
    stops.set(id, {
      id,
      code: group.code,
      name: place?.name ?? { zh: group.code, en: group.code },
      kind: place?.kind ?? "use",
      side,
      isOutside: !group.isInside,
      canOpen: place !== null && canOpen(tree, group.code, focus) && !tree.path(focus ?? "").includes(place),
    });
  }
  return id;
}

function sideOf(
  tree: Tree,
  focus: string | null,
  place: Place | null,
  isInside: boolean,
  way: "incoming" | "outgoing",
): Side | null {
  if (place?.kind === "storage" && !canOpen(tree, place.code, focus)) return way === "incoming" ? "charge" : "discharge";
  if (isInside || place === null) return null;
  // A supplier that takes back, a neighbour that gives and takes: left and right of what is looked into.
  if (isOutside(place)) return way === "incoming" && place.kind === "source" ? "outOf" : way === "outgoing" && place.kind === "delivery" ? "into" : null;
  return way === "incoming" ? "outOf" : "into";
}

function redirected(link: Link, stops: Map<string, Stop>): Link {
  const target = stops.get(link.target);
  const id = `${link.target}:back`;
  if (target) stops.set(id, { ...target, id, side: "back" });
  return { ...link, target: id, isReturn: true };
}

function measured(
  parts: readonly { value: number | null; grade: Grade; flags: readonly string[] }[],
): Pick<Link, "value" | "known" | "unknownCount" | "grade" | "flags"> {
  const known = parts.filter(({ value }) => value !== null);
  return {
    value: sumOf(parts.map(({ value }) => value)),
    known: known.reduce((sum, { value }) => sum + (value ?? 0), 0),
    unknownCount: parts.length - known.length,
    grade: worst(parts.map(({ grade }) => grade)),
    flags: [...new Set(parts.flatMap(({ flags }) => flags))].toSorted(),
  };
}

function intensityOf(flows: readonly Flow[]): number | null {
  const known = flows.filter(({ energyKwh, emissionKg }) => energyKwh !== null && emissionKg !== null);
  const energy = known.reduce((sum, { energyKwh }) => sum + (energyKwh ?? 0), 0);
  const emission = known.reduce((sum, { emissionKg }) => sum + (emissionKg ?? 0), 0);
  return energy === 0 ? null : emission / energy;
}

function edgeOf(link: Link): Edge {
  return { id: link.id, source: link.source, target: link.target, isReturn: link.isReturn, weight: link.known };
}
