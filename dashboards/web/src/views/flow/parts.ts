import type { PlantDocument } from "@/api/types";
import type { Direction, Flow } from "./network";
import type { Picture, Stop } from "./picture";
import { insideOf } from "./tree";

/** What the plant description says that the view needs of it. */
export interface Described {
  directions: Direction[];
  /** Points that measure each flow. */
  pointsOf: ReadonlyMap<string, readonly string[]>;
  /** Meters at each place. */
  metersAt: ReadonlyMap<string, readonly string[]>;
  /** Tenant that is a member at each place of a park. */
  memberAt: ReadonlyMap<string, string>;
}

type Fields = Record<string, unknown>;

export function describedOf(plant: PlantDocument | null): Described {
  const flows = listed(plant?.document.flows);
  const meters = listed(plant?.document.meters);
  const metersAt = new Map<string, string[]>();
  for (const meter of meters) metersAt.set(text(meter.node), [...(metersAt.get(text(meter.node)) ?? []), text(meter.code)]);
  return {
    directions: flows.map((flow) => ({ code: text(flow.code), from: text(flow.from), to: text(flow.to) })),
    pointsOf: new Map(flows.map((flow) => [text(flow.code), listed(flow.metered_by).map(({ point }) => text(point)).filter(Boolean)])),
    metersAt,
    memberAt: new Map(listed(plant?.document.members).map(({ node, tenant }) => [text(node), text(tenant)])),
  };
}

/** Every flow that touches what a stop stands for and that the picture draws. */
export function flowsAt(picture: Picture, stop: Stop): { into: Flow[]; outOf: Flow[] } {
  const links = picture.links.filter(({ kind }) => kind === "flow");
  return {
    into: links.filter(({ target }) => target === stop.id).flatMap(({ flows }) => flows),
    outOf: links.filter(({ source }) => source === stop.id).flatMap(({ flows }) => flows),
  };
}

/** Meters at a place and at all below it. */
export function metersBelow(picture: Picture, described: Described, code: string): string[] {
  return insideOf(picture.tree, code).flatMap((place) => described.metersAt.get(place) ?? []);
}

function listed(value: unknown): Fields[] {
  return Array.isArray(value) ? (value.filter((one) => typeof one === "object" && one !== null) as Fields[]) : [];
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
