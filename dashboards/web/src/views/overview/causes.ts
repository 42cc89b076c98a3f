import type { EnergyFlow, FlowLink } from "@/api/types";

/** A flow into a use, and by how much its emission grew. */
export interface Cause {
  link: FlowLink;
  target: { code: string; name_zh: string; name_en: string };
  /** Per interval, at the rate of what has passed [tCO2e]. */
  more: number;
}

const CAUSES_MAX = 2;
const SHARE_MIN = 0.15;

/** The uses whose emission grew most between two equal stretches; only those that matter for the whole. */
export function causesOf(now: EnergyFlow, before: EnergyFlow, passedShare: number): Cause[] {
  const uses = new Map(now.nodes.filter((node) => node.kind === "use").map((node) => [node.code, node]));
  const usual = new Map(before.links.map((link) => [link.code, link.value]));
  const grown = now.links.flatMap((link) => {
    const target = uses.get(link.target);
    const then = usual.get(link.code);
    if (target === undefined || link.value === null || then === null || then === undefined) return [];
    return [{ link, target, more: link.value / passedShare - then }];
  });
  const total = grown.reduce((sum, { more }) => sum + Math.max(0, more), 0);
  return grown
    .filter(({ more }) => more > total * SHARE_MIN)
    .toSorted((one, other) => other.more - one.more)
    .slice(0, CAUSES_MAX);
}
